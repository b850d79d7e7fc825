"""Questions to libtorrent that are answered by a later alert.

Owns the futures that wait, keyed by the kind of answer and the torrent. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from tuishare.errors import SystemFailed
from tuishare.swarm.alerts import Flushed, ResumeSaved, TorrentAdded, TorrentRemoved
from tuishare.torrents import InfoHash

PATIENCE = 30.0
"""Seconds within which libtorrent answers anything but a flush."""

Reply = TypeVar("Reply", TorrentAdded, Flushed, TorrentRemoved, ResumeSaved)
AnyReply = TorrentAdded | Flushed | TorrentRemoved | ResumeSaved


class PendingRequests:
    """Who waits for which answer."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[type[AnyReply], InfoHash], list[asyncio.Future[AnyReply]]]
        self._waiting = defaultdict(list)

    async def ask(
        self,
        question: Callable[[], object],
        kind: type[Reply],
        info_hash: InfoHash,
        *,
        patience: float = PATIENCE,
    ) -> Reply:
        """Ask, and wait for the next answer of that kind about that torrent.

        Args:
            question: makes the non-blocking call.
            kind: of the answer.
            info_hash: of the torrent.
            patience: seconds to wait.

        Raises:
            SystemFailed: no answer within that time.
        """
        future: asyncio.Future[AnyReply] = asyncio.get_running_loop().create_future()
        key = (kind, info_hash)
        self._waiting[key].append(future)
        try:
            question()
            async with asyncio.timeout(patience):
                reply = await future
        except TimeoutError:
            raise SystemFailed(
                f"The BitTorrent engine did not answer within {patience:g} seconds",
                hint="The disk may be overloaded; try again.",
            ) from None
        finally:
            self._forget(key, future)
        assert isinstance(reply, kind)
        return reply

    def settle(self, reply: AnyReply) -> None:
        """Give an answer to everybody who waits for it."""
        for future in self._waiting.pop((type(reply), reply.info_hash), ()):
            if not future.done():
                future.set_result(reply)

    def abandon(self) -> None:
        """Tell everybody who still waits that no answer will come."""
        for future in (future for group in self._waiting.values() for future in group if not future.done()):
            future.set_exception(SystemFailed("The BitTorrent engine is closed"))

    def _forget(self, key: tuple[type[AnyReply], InfoHash], future: asyncio.Future[AnyReply]) -> None:
        if future in self._waiting.get(key, ()):
            self._waiting[key].remove(future)
            if not self._waiting[key]:
                del self._waiting[key]
