"""Requests to libtorrent that are answered by a later alert.

Owns the waiting futures, keyed by the kind of reply and the torrent. Must not know the requests.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from tuishare.errors import SystemFailed
from tuishare.swarm.alerts import Flushed, ResumeSaved, TorrentAdded, TorrentRemoved
from tuishare.torrents import InfoHash

ANSWER_SECONDS = 30.0
"""Timeout of all requests but flushing, in seconds."""

Reply = TypeVar("Reply", TorrentAdded, Flushed, TorrentRemoved, ResumeSaved)
AnyReply = TorrentAdded | Flushed | TorrentRemoved | ResumeSaved


class PendingRequests:
    """The requests without a reply yet."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[type[AnyReply], InfoHash], list[asyncio.Future[AnyReply]]]
        self._waiting = defaultdict(list)

    async def request(
        self,
        send: Callable[[], object],
        kind: type[Reply],
        info_hash: InfoHash,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> Reply:
        """Send a request, and wait for the next reply of that kind for that torrent.

        Args:
            send: makes the non-blocking call.
            kind: of the reply.
            info_hash: of the torrent.
            seconds: timeout in seconds.

        Raises:
            SystemFailed: there was no reply in time.
        """
        future: asyncio.Future[AnyReply] = asyncio.get_running_loop().create_future()
        key = (kind, info_hash)
        self._waiting[key].append(future)
        try:
            send()
            async with asyncio.timeout(seconds):
                reply = await future
        except TimeoutError:
            raise SystemFailed(
                f"The BitTorrent engine did not answer within {seconds:g} seconds",
                hint="The disk may be overloaded; try again.",
            ) from None
        finally:
            self._forget(key, future)
        assert isinstance(reply, kind)
        return reply

    def resolve(self, reply: AnyReply) -> None:
        """Pass a reply to all requests that wait for it."""
        for future in self._waiting.pop((type(reply), reply.info_hash), ()):
            if not future.done():
                future.set_result(reply)

    def fail_all(self) -> None:
        """Fail all requests: the engine is closed."""
        for future in (future for group in self._waiting.values() for future in group if not future.done()):
            future.set_exception(SystemFailed("The BitTorrent engine is closed"))

    def _forget(self, key: tuple[type[AnyReply], InfoHash], future: asyncio.Future[AnyReply]) -> None:
        if future in self._waiting.get(key, ()):
            self._waiting[key].remove(future)
            if not self._waiting[key]:
                del self._waiting[key]
