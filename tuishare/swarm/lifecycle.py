"""Letting torrents into the session and out of it.

Owns the order of those steps and that each is finished once begun. Must not know who follows events, ports or peers.
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
    """Where torrents enter and leave one engine.

    Args:
        session: gives libtorrent's session, or raises when the engine is closed.
        run: begins work that ends with the engine.
    """

    def __init__(
        self,
        session: Callable[[], lt.session],
        table: TorrentTable,
        replies: PendingRequests,
        run: RunTask,
    ) -> None:
        self._session = session
        self._table = table
        self._replies = replies
        self._run = run

    async def admit(self, assignment: TorrentSpec) -> tuple[InfoHash, TorrentEntry]:
        """Take on a torrent.

        Raises:
            BadInput: the torrent or the credentials are unusable, or the torrent is already here.
            Refused: our certificate is not valid now.
            SystemFailed: libtorrent did not take it.
        """
        admission = await asyncio.to_thread(prepare, assignment, datetime.now(UTC))
        info_hash = admission.info_hash
        member = TorrentEntry(
            assignment,
            admission.total,
            admission.pieces,
            admission.executables,
            admission.unwanted_pieces,
        )
        # Entered first: libtorrent reports on a torrent before it says that it was added.
        self._table.enter(info_hash, member)
        admitting = asyncio.ensure_future(self._enter(admission, member))
        try:
            # Not to be cut off half-way: libtorrent would go on, and what it says would be taken for the next attempt.
            await asyncio.shield(admitting)
        except asyncio.CancelledError:
            self._run(self._withdraw(admitting, info_hash))
            raise
        except TuishareError:
            self._table.leave(info_hash)
            raise
        return info_hash, member

    async def release(self, info_hash: InfoHash) -> None:
        """Let go of a torrent.

        Raises:
            NotFound: it is not here, or not yet.
        """
        async with self._table.get(info_hash).lock:
            # From here on it is nobody's, although the record stays until libtorrent has closed the files.
            try:
                await self._leave(info_hash)
            finally:
                self._table.leave(info_hash)

    def note(self, reply: AnyReply) -> None:
        """Take in libtorrent's answer to a question."""
        if isinstance(reply, TorrentAdded) and not reply.error and self._table.find(reply.info_hash) is None:
            # Whoever asked for it gave up meanwhile.
            self._session().remove_torrent(reply.handle)
        self._replies.settle(reply)

    async def _enter(self, admission: TorrentParams, member: TorrentEntry) -> None:
        member.rivals, member.entered = frozenset(), monotonic()
        added = await self._replies.ask(
            lambda: self._session().async_add_torrent(admission.params), TorrentAdded, admission.info_hash
        )
        if added.error:
            raise SystemFailed(
                f"The BitTorrent engine did not take this torrent: {added.error}", errno=added.errno
            )
        member.handle = added.handle
        if admission.certificate is not None:
            # Not part of resume data. The torrent is paused until here, so no peer can come before it.
            added.handle.set_ssl_certificate_buffer(*admission.certificate)
        if not member.stays_stopped:
            await member.wait_for_check()
            added.handle.resume()

    async def _leave(self, info_hash: InfoHash) -> None:
        handle = self._table.handle(info_hash)
        self._table.get(info_hash).handle = None
        await self._replies.ask(lambda: self._session().remove_torrent(handle), TorrentRemoved, info_hash)

    async def _withdraw(self, admitting: asyncio.Future[None], info_hash: InfoHash) -> None:
        try:
            await admitting
        except TuishareError:
            self._table.leave(info_hash)
        else:
            await self.release(info_hash)
