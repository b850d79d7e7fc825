"""Adding torrents to the session and removing them.

Owns the order of the steps, and that each is completed once started. Must not know subscribers, ports or peers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from time import monotonic
from typing import TypeAlias

from tuishare.errors import SystemFailed, TuishareError
from tuishare.swarm.alerts import TorrentAdded, TorrentRemoved
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.pending_requests import AnyReply, PendingRequests
from tuishare.swarm.torrent_params import TorrentParams, prepare
from tuishare.swarm.torrent_spec import TorrentSpec
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable
from tuishare.torrents import InfoHash

RunTask: TypeAlias = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]


class TorrentLifecycle:
    """Adds torrents to one engine and removes them.

    Args:
        session: returns libtorrent's session, or raises if the engine is closed.
        run: starts a task that ends with the engine.
    """

    def __init__(
        self,
        session: Callable[[], lt.session],
        table: TorrentTable,
        requests: PendingRequests,
        run: RunTask,
    ) -> None:
        self._session = session
        self._table = table
        self._requests = requests
        self._run = run

    async def add(self, spec: TorrentSpec) -> tuple[InfoHash, TorrentEntry]:
        """Add a torrent.

        Raises:
            BadInput: the torrent or the credentials are invalid, or the torrent was added before.
            Refused: our certificate is not valid now.
            SystemFailed: libtorrent refused the torrent.
        """
        params = await asyncio.to_thread(prepare, spec, datetime.now(UTC))
        info_hash = params.info_hash
        member = TorrentEntry(
            spec,
            params.total,
            params.pieces,
            params.executables,
            params.unwanted_pieces,
        )
        # Added to the table first: alerts about a torrent arrive before the one that it was added.
        self._table.add(info_hash, member)
        adding = asyncio.ensure_future(self._add(params, member))
        try:
            # Must not be cancelled half-way: libtorrent would continue, and its reply would match the next attempt.
            await asyncio.shield(adding)
        except asyncio.CancelledError:
            self._run(self._withdraw(adding, info_hash))
            raise
        except TuishareError:
            self._table.remove(info_hash)
            raise
        return info_hash, member

    async def remove(self, info_hash: InfoHash) -> None:
        """Remove a torrent.

        Raises:
            NotFound: it was not added, or not yet.
        """
        async with self._table.get(info_hash).lock:
            # The entry stays in the table until libtorrent has closed the files.
            try:
                await self._remove(info_hash)
            finally:
                self._table.remove(info_hash)

    def note(self, reply: AnyReply) -> None:
        """Handle a reply of libtorrent."""
        if isinstance(reply, TorrentAdded) and not reply.error and self._table.find(reply.info_hash) is None:
            # The request was abandoned in the meantime.
            self._session().remove_torrent(reply.handle)
        self._requests.resolve(reply)

    async def _add(self, params: TorrentParams, member: TorrentEntry) -> None:
        member.downloading_peers, member.entered = frozenset(), monotonic()
        added = await self._requests.request(
            lambda: self._session().async_add_torrent(params.params), TorrentAdded, params.info_hash
        )
        if added.error:
            raise SystemFailed(
                f"The BitTorrent engine refused this torrent: {added.error}", errno=added.errno
            )
        member.handle = added.handle
        if params.certificate is not None:
            # Not part of resume data. The torrent is paused until here, so no peer can connect before.
            added.handle.set_ssl_certificate_buffer(*params.certificate)
        if not member.failure:
            await member.wait_for_check()
            added.handle.resume()

    async def _remove(self, info_hash: InfoHash) -> None:
        handle = self._table.handle(info_hash)
        self._table.get(info_hash).handle = None
        await self._requests.request(
            lambda: self._session().remove_torrent(handle), TorrentRemoved, info_hash
        )

    async def _withdraw(self, adding: asyncio.Future[None], info_hash: InfoHash) -> None:
        try:
            await adding
        except TuishareError:
            self._table.remove(info_hash)
        else:
            await self.remove(info_hash)
