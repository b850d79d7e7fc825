"""Letting torrents into the session, out of it, and in again under another authority.

Owns the order of those steps and that each is finished once begun. Must not know who follows events, ports or peers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TypeAlias

from tuishare.errors import SystemFailed, TuishareError
from tuishare.swarm.admission import Admission, prepare
from tuishare.swarm.assignment import Assignment
from tuishare.swarm.authority import Credentials
from tuishare.swarm.membership import Membership, Roster
from tuishare.swarm.notices import Added, Removed
from tuishare.swarm.openssl import lt
from tuishare.swarm.replies import AnyReply, Replies
from tuishare.swarm.storage import Storage
from tuishare.torrents import InfoHash

RENEWAL_PATIENCE = 10.0
"""Seconds for each step of saving what a torrent has while its authority is replaced."""

RunTask: TypeAlias = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]

_log = logging.getLogger(__name__)


class Gate:
    """Where torrents enter and leave one engine.

    Args:
        session: gives libtorrent's session, or raises when the engine is closed.
        run: begins work that ends with the engine.
    """

    def __init__(
        self,
        session: Callable[[], lt.session],
        roster: Roster,
        replies: Replies,
        storage: Storage,
        run: RunTask,
    ) -> None:
        self._session = session
        self._roster = roster
        self._replies = replies
        self._storage = storage
        self._run = run

    async def admit(self, assignment: Assignment) -> tuple[InfoHash, Membership]:
        """Take on a torrent.

        Raises:
            BadInput: the torrent or the credentials are unusable, or the torrent is already here.
            Refused: our certificate is not valid now.
            SystemFailed: libtorrent did not take it.
        """
        admission = await asyncio.to_thread(prepare, assignment, datetime.now(UTC))
        info_hash = admission.info_hash
        member = Membership(
            assignment,
            admission.total,
            admission.pieces,
            admission.executables,
            admission.unwanted_pieces,
        )
        # Entered first: libtorrent reports on a torrent before it says that it was added.
        self._roster.enter(info_hash, member)
        admitting = asyncio.ensure_future(self._enter(admission, member))
        try:
            # Not to be cut off half-way: libtorrent would go on, and what it says would be taken for the next attempt.
            await asyncio.shield(admitting)
        except asyncio.CancelledError:
            self._run(self._withdraw(admitting, info_hash))
            raise
        except TuishareError:
            self._roster.leave(info_hash)
            raise
        return info_hash, member

    async def release(self, info_hash: InfoHash) -> None:
        """Let go of a torrent.

        Raises:
            NotFound: it is not here, or not yet.
        """
        async with self._roster.get(info_hash).turn:
            # From here on it is nobody's, although the record stays until libtorrent has closed the files.
            try:
                await self._leave(info_hash)
            finally:
                self._roster.leave(info_hash)

    async def renew(self, info_hash: InfoHash, credentials: Credentials) -> None:
        """Take another authority and certificate for a torrent that is here; goes on when its caller is cancelled.

        Raises:
            NotFound: the torrent is not here, or not yet.
            BadInput: the credentials are damaged, or the swarm is a plain one.
            Refused: the certificate is not valid now.
            SystemFailed: libtorrent did not take the torrent back; it is gone then.
        """
        self._roster.handle(info_hash)
        member = self._roster.get(info_hash)
        # What cannot work is refused while the old credentials still hold.
        await asyncio.to_thread(
            prepare, replace(member.assignment, credentials=credentials), datetime.now(UTC)
        )
        await asyncio.shield(self._run(self._change(info_hash, member, credentials)))

    def note(self, reply: AnyReply) -> None:
        """Take in libtorrent's answer to a question."""
        if isinstance(reply, Added) and not reply.error and self._roster.find(reply.info_hash) is None:
            # Whoever asked for it gave up meanwhile.
            self._session().remove_torrent(reply.handle)
        self._replies.settle(reply)

    async def _change(self, info_hash: InfoHash, member: Membership, credentials: Credentials) -> None:
        async with member.turn:
            # TLS looks at certificates during the handshake only: whoever is connected must be cut off. First of all,
            # because a slow disk must not give a revoked member time.
            self._roster.handle(info_hash).pause()
            data = await self._saved(info_hash)
            doubtful = member.is_doubtful
            await self._leave(info_hash)
            member.checked.clear()
            member.assignment = replace(member.assignment, credentials=credentials)
            try:
                again = replace(member.assignment, resume_data=data)
                await self._enter(await asyncio.to_thread(prepare, again, datetime.now(UTC)), member)
            except TuishareError:
                self._roster.leave(info_hash)
                raise
            if doubtful:
                self._roster.handle(info_hash).force_recheck()

    async def _saved(self, info_hash: InfoHash) -> bytes | None:
        """Return what the torrent has; where that cannot be told, the files are read again."""
        try:
            return await self._storage.resume_data(info_hash, RENEWAL_PATIENCE)
        except SystemFailed as error:
            _log.warning("renewing %s without resume data: %s", info_hash[:12], error.detail)
            return None

    async def _enter(self, admission: Admission, member: Membership) -> None:
        member.rivals, member.entered = frozenset(), monotonic()
        added = await self._replies.ask(
            lambda: self._session().async_add_torrent(admission.params), Added, admission.info_hash
        )
        if added.error:
            raise SystemFailed(f"The BitTorrent engine did not take this torrent: {added.error}")
        member.handle = added.handle
        if admission.certificate is not None:
            # Not part of resume data. The torrent is paused until here, so no peer can come before it.
            added.handle.set_ssl_certificate_buffer(*admission.certificate)
        if not member.stays_stopped:
            await member.wait_for_check()
            added.handle.resume()

    async def _leave(self, info_hash: InfoHash) -> None:
        handle = self._roster.handle(info_hash)
        self._roster.get(info_hash).handle = None
        await self._replies.ask(lambda: self._session().remove_torrent(handle), Removed, info_hash)

    async def _withdraw(self, admitting: asyncio.Future[None], info_hash: InfoHash) -> None:
        try:
            await admitting
        except TuishareError:
            self._roster.leave(info_hash)
        else:
            await self.release(info_hash)
