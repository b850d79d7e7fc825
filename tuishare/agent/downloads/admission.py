"""Admission: an opened envelope begins a download, is held for approval, or renews the tickets of a download.

Owns whether a download may begin, and what it replaces. Must not open envelopes nor download:
`tuishare.agent.downloads.inbox` hands envelopes in, `tuishare.agent.downloads.queue` continues with admitted ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.conflicts import find_conflicts, hold_back, holder_of
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.downloads.quotas import WaitingRoomFull, sender_quota_problem, waiting_room_problem
from tuishare.agent.downloads.repository import DownloadRepository, require_usable
from tuishare.agent.downloads.transitions import ArrivedEnvelope
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.live import Live
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.faults import Fault
from tuishare.core.left_out import name_left_out
from tuishare.core.opened_envelope import OpenedEnvelope
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, Refused
from tuishare.sanitize import for_display


class DownloadAdmission:
    """Decides about opened envelopes."""

    def __init__(
        self,
        repository: DownloadRepository,
        files: DownloadFiles,
        queue: DownloadQueue,
        *,
        store: Store,
        tracker: TrackerService,
        settings: Live[Config],
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._files = files
        self._queue = queue
        self._store = store
        self._tracker = tracker
        self._settings = settings
        self._activity = activity
        self._clock = clock

    async def load(self) -> None:
        """Finish what a crash has interrupted: envelopes to archive, and downloads that need not wait any longer."""
        for record in list(self._repository.downloads.values()):
            with isolate_errors(f"archive the envelope of “{for_display(record.name)}”"):
                await self._archive_renewal(record)
            if known := self._repository.downloads.get(record.id):  # as it is now: another may have begun
                await self._reconsider(known)

    async def admit(self, received: OpenedEnvelope, envelope: str, digest: bytes) -> None:
        """Begin the download of a verified sender, or hold it if too many of theirs are under way.

        The envelope of a download under way changes nothing; one that renews its tickets changes nothing else.

        Args:
            received: what the envelope holds.
            envelope: name of the file in the inbox.
            digest: SHA-256 of the file.

        Raises:
            WaitingRoomFull: it would have to wait for approval, and as many do as may; it may be tried again.
            Refused: a replay, a ticket that cannot work, or the torrent of a share of our own.
        """
        record = await self._new_download(received, envelope, digest)
        async with self._repository.lock:
            if not self._is_under_way(record) and not await self._renew(received, record):
                await self._admit(record, received.manifest.torrent, salted=bool(received.torrent.salt))

    async def await_approval(
        self, received: OpenedEnvelope, envelope: str, digest: bytes, reason: str, hint: str
    ) -> None:
        """Hold a download that the user has to approve first.

        Args:
            received: what the envelope holds.
            envelope: name of the file in the inbox.
            digest: SHA-256 of the file.
            reason: why it has to wait.
            hint: what can be done about that.

        Raises:
            WaitingRoomFull: as many wait as may; it may be tried again.
            Refused: a replay, a ticket that cannot work, or the torrent of a share of our own.
        """
        record = await self._new_download(received, envelope, digest)
        salted = bool(received.torrent.salt)
        async with self._repository.lock:
            if not self._is_under_way(record) and not await self._renew(received, record):
                await self._hold(record, reason, hint, received.manifest.torrent, salted=salted)

    async def approve(self, record: DownloadRecord) -> None:
        """Begin a download that the user has approved; the repository's lock is held.

        Raises:
            Refused: it has become a replay.
        """
        await self._begin(transitions.approve(record))

    async def release(self, gone: DownloadRecord) -> None:
        """Continue the downloads that rested in favour of this one, unless it still has the torrent; lock held."""
        for record in list(self._repository.downloads.values()):
            if record.conflict == gone.id and holder_of(record, self._repository.downloads) is None:
                await self._queue.resume(record)
                await self._reconsider(record)

    async def _new_download(self, received: OpenedEnvelope, envelope: str, digest: bytes) -> DownloadRecord:
        """Return the record of an opened envelope, fully checked before anything of it is stored.

        Raises:
            Refused: its ticket or its torrent cannot work.
        """
        arrival = ArrivedEnvelope(envelope, digest)
        record = transitions.new_download(received, arrival, self._files, self._clock.now())
        try:
            await asyncio.to_thread(require_usable, record, received.manifest.torrent)
        except BadInput as error:
            raise Refused(error.detail, hint=error.hint or "Ask the sender to share it again.") from error
        return record

    def _is_under_way(self, record: DownloadRecord) -> bool:
        known = self._repository.downloads.get(record.id)
        return (
            known is not None
            and known.step.is_unfinished
            and (known.envelope, known.envelope_hash) == (record.envelope, record.envelope_hash)
        )

    async def _renew(self, received: OpenedEnvelope, record: DownloadRecord) -> bool:
        """Adopt the tickets of an envelope that renews a known download, and nothing else: it was approved before.

        Returns:
            False when the envelope is about content that is not here.

        Raises:
            Refused: that content was here and is no longer wanted, or the envelope is a replay.
        """
        if not received.renews:
            return False
        known = self._repository.downloads.get(record.id)
        if known is None and await self._store.run(lambda database: database.has_envelope(record)):
            raise Refused(
                "It renews a download that was removed here", hint="Ask the sender to share it again."
            )
        waits = known is not None and known.step is DownloadStep.WAITING
        if known is None or waits or not transitions.is_same_swarm(known, record):
            return False
        renewed = transitions.adopt_tickets(known, record)
        await self._store.run(lambda database: database.require_new(renewed))
        await self._archive_superseded(known, renewed)
        await self._repository.renew(renewed)
        await self._repository.leave_swarm(known, keep_progress=known.step is DownloadStep.DOWNLOADING)
        self._tracker.forget(known.trackers)
        await self._archive_renewal(renewed)
        self._activity.note(ActivityKind.RENEWED, record.name, f"by {record.sender}")
        self._repository.report_refused(renewed)
        await self._queue.resume(renewed)
        return True

    async def _archive_superseded(self, previous: DownloadRecord | None, record: DownloadRecord) -> None:
        """Archive the envelope of a version that another one is about to replace.

        Before that is recorded: afterwards the envelope would look like a replay.
        """
        if previous is not None and previous.envelope != record.envelope:
            await asyncio.to_thread(self._files.archive_envelope, previous)

    async def _archive_renewal(self, record: DownloadRecord) -> None:
        """Archive the envelope with new tickets for a complete download, now or after a crash."""
        if record.step is DownloadStep.COMPLETE:
            await asyncio.to_thread(self._files.archive_envelope, record)

    async def _reconsider(self, record: DownloadRecord) -> None:
        """Admit a download that waits only for another one of its torrent, once that no longer has it."""
        waits = record.step is DownloadStep.WAITING and record.conflict and not record.paused
        if waits and holder_of(record, self._repository.downloads) is None:
            async with self._queue.isolate(record):
                await self._admit(transitions.clear_conflict(record), None, salted=False)

    async def _admit(self, record: DownloadRecord, torrent: bytes | None, *, salted: bool) -> None:
        """Begin the download of a verified sender, unless the user has to approve it; `torrent` None: it is stored."""
        await self._require_foreign(record)
        downloads, quota = self._repository.downloads, self._settings.current.inbox.quota_bytes
        if excess := sender_quota_problem(record, downloads.values(), quota):
            hint = "Approve it, or wait until others of the same sender are done."
            await self._hold(replace(record, fault=Fault.QUOTA), excess, hint, torrent, salted=salted)
        elif find_conflicts(record, downloads):
            await self._hold(record, "", "", torrent, salted=salted)
        else:
            await self._begin(transitions.admit(record), torrent)

    async def _require_foreign(self, record: DownloadRecord) -> None:
        if name := await self._repository.own_share(record):
            raise Refused(
                f"{record.sender} sends the torrent of your own share “{for_display(name)}”",
                hint="You have these files; your share goes on.",
            )

    async def _hold(
        self, record: DownloadRecord, reason: str, hint: str, torrent: bytes | None, *, salted: bool
    ) -> None:
        """Hold a download for approval; without a reason it waits only for another one of the same torrent."""
        await self._require_foreign(record)
        await self._store.run(lambda database: database.require_new(record))
        previous = await self._queue.finish_delivery(record.id)
        downloads = self._repository.downloads
        waiting = hold_back(record, downloads, reason, hint, salted=salted)
        record = transitions.supersede(waiting, previous)
        known = previous is not None and (previous.step, previous.generation) == (
            record.step,
            record.generation,
        )
        if not known and (
            lack := waiting_room_problem(record, downloads.values(), self._settings.current.inbox)
        ):
            raise WaitingRoomFull(lack, record)
        await self._archive_superseded(previous, record)
        await self._repository.hold(record, torrent)
        await self._replace(previous, record)
        if not known:
            self._activity.note(ActivityKind.APPROVAL, record.name, record.problem)

    async def _begin(self, record: DownloadRecord, torrent: bytes | None = None) -> None:
        previous = await self._queue.finish_delivery(record.id)
        record = transitions.supersede(record, previous)
        self._queue.forget_failures(record.id)
        delivered = previous if previous and previous.path and record.replaces == previous.path else None
        old = await self._repository.torrent(delivered) if delivered else b""
        await self._archive_superseded(previous, record)
        await self._repository.admit(record, torrent)
        await self._replace(previous, record)
        self._repository.report_refused(record)
        if record.left_out and (previous is None or record.left_out != previous.left_out):
            self._activity.note(
                ActivityKind.IGNORED, record.name, f"by {record.sender}: {name_left_out(record.left_out)}"
            )
        for other in await self._queue.claims.take(record):
            self._queue.forget_failures(other.id)
        async with self._queue.isolate(record):
            if delivered is not None:
                record = await self._queue.pipeline.choose_names(record)
                new = await self._repository.torrent(record)
                await asyncio.to_thread(self._files.reuse, delivered, old, record, new)
            await self._queue.resume(record)

    async def _replace(self, previous: DownloadRecord | None, record: DownloadRecord) -> None:
        """End the previous generation of a download: leave its swarm and remove its unfinished files."""
        if previous is not None:
            await self._repository.leave_swarm(previous)
            if previous.staging != record.staging:
                await asyncio.to_thread(self._files.discard, previous)
            if (previous.info_hash, previous.step) != (record.info_hash, record.step):
                await self.release(record)
