"""The journey of a download: admitted, downloaded, delivered. Each step is recorded before its side effect.

Owns the way of a download from its envelope to its place. Must not watch folders, judge envelopes or move files:
`tuishare.agent.downloads.inbox`, `tuishare.core.opening` and `tuishare.agent.downloads.files` do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, assert_never

from tuishare.agent.context import Context
from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.conflicts import (
    TorrentClaims,
    find_conflicts,
    hold_back,
    holder_of,
)
from tuishare.agent.downloads.files import DownloadFiles, describe_kept
from tuishare.agent.downloads.quotas import (
    WaitingRoomFull,
    sender_quota_problem,
    slot_problem,
    waiting_room_problem,
)
from tuishare.agent.downloads.repository import DownloadRepository, require_usable
from tuishare.agent.downloads.retries import Retries, is_of_disk
from tuishare.agent.downloads.reuse import reuse_unchanged_files
from tuishare.agent.downloads.seeding import Seeding
from tuishare.agent.downloads.transitions import (
    ArrivedEnvelope,
    adopt_tickets,
    is_same_swarm,
    new_download,
    supersede,
)
from tuishare.agent.error_isolation import explain, isolate_errors
from tuishare.core.activity import ActivityKind
from tuishare.core.opening import OpenedEnvelope
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, Refused, TuishareError
from tuishare.sanitize import for_display
from tuishare.torrents import InfoHash, parse_torrent

QUEUE_SECONDS: Final = 5.0
"""How often it is looked whether there is space now for what waits for it, and still for what goes on."""
_SPARED: Final = 16
"""The part of the reserve, 1/16, that file systems may take for their own lists before a download is stopped for it."""
_FALSE_DATA: Final = "What arrives does not fit its hashes"
_FALSE_DATA_HINT: Final = (
    "It is tried again. If it goes on, ask {} whether the file was changed or a disk is bad."
)
_log = logging.getLogger(__name__)


class DownloadPipeline:
    """Brings downloads to where they belong.

    Attributes:
        seeding: serves on what was delivered.
    """

    def __init__(self, context: Context, repository: DownloadRepository, files: DownloadFiles) -> None:
        self._context = context
        self._repository = repository
        self._files = files
        self._completed: asyncio.Queue[InfoHash] = asyncio.Queue()
        self._retries = Retries()
        self._claims = TorrentClaims(repository, context.store)
        self.seeding = Seeding(context, repository, self._claims)
        self._lonely: set[InfoHash] = set()

    @property
    def downloads(self) -> Mapping[str, DownloadRecord]:
        """All downloads by id, oldest first."""
        return self._repository.downloads

    async def load(self) -> None:
        """Take up every download where the last run left it; what had a problem is tried again."""
        records = await self._repository.load()
        if not self._repository.damaged:  # what these have received may lie in any of the folders
            await asyncio.to_thread(self._files.sweep, {record.staging for record in records})
        for record in records:
            with isolate_errors(f"put the envelope of “{for_display(record.name)}” away"):
                await self._file_renewal(record)
            if known := self._repository.downloads.get(record.id):  # as it is now: a rival may have made way
                await self._or_problem(known, self._resume(known))

    async def run(self) -> None:
        """Deliver what is complete, start what waits for space, try again what a disk refused; until cancelled."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    info_hash = await asyncio.wait_for(self._completed.get(), QUEUE_SECONDS)
                    async with self._repository.changing:
                        for record in self._downloading(info_hash):
                            await self._or_problem(record, self._deliver(record))
                await self._keep_reserve()
                await self._start_queued()
                await self._leave_spoilt()
                await self._try_again()
        finally:
            self._files.end()

    def on_completed(self, info_hash: InfoHash) -> None:
        """Take note that every piece of a torrent has arrived."""
        self._completed.put_nowait(info_hash)

    async def admit(self, received: OpenedEnvelope, envelope: str, digest: bytes) -> None:
        """Begin to download what a verified sender sent, or hold it when he has too much under way here.

        The envelope of a download under way changes nothing; one that renews its tickets changes nothing else.

        Args:
            received: what the envelope holds.
            envelope: name of the file in the inbox.
            digest: SHA-256 of the file.

        Raises:
            NoRoom: it would have to wait for approval, and as many do as may; it may be tried again.
            Refused: a replay, a ticket that cannot work, or the torrent of a share of our own.
        """
        record = await self._begun(received, envelope, digest)
        async with self._repository.changing:
            if not self._is_under_way(record) and not await self._renew(received, record):
                await self._admit(record, received.manifest.torrent, salted=bool(received.torrent.salt))

    async def await_approval(
        self, received: OpenedEnvelope, envelope: str, digest: bytes, reason: str, hint: str
    ) -> None:
        """Keep an envelope that a person has to approve first.

        Raises:
            NoRoom: as many wait as may; it may be tried again.
            Refused: a replay, a ticket that cannot work, or the torrent of a share of our own.
        """
        record = await self._begun(received, envelope, digest)
        salted = bool(received.torrent.salt)
        async with self._repository.changing:
            if not self._is_under_way(record) and not await self._renew(received, record):
                await self._hold(record, reason, hint, received.manifest.torrent, salted=salted)

    async def approve(self, record: DownloadRecord) -> None:
        """Begin to download what waited for a person; the repository's lock is held.

        Raises:
            Refused: it has become a replay.
        """
        await self._begin(transitions.approve(record))

    async def resume(self, record: DownloadRecord) -> None:
        """Take up a download again where it stands; the repository's lock is held."""
        await self._or_problem(record, self._resume(record))

    async def release(self, gone: DownloadRecord) -> None:
        """Let what waited or rested in favour of a download go on, unless that still has the torrent; lock held."""
        for record in list(self._repository.downloads.values()):
            if record.rival == gone.id and holder_of(record, self._repository.downloads) is None:
                await self.resume(record)

    async def record_problem(self, info_hash: InfoHash, reason: str) -> None:
        """Take note that the engine gave a download up."""
        async with self._repository.changing:
            for record in self._downloading(info_hash):
                await self._repository.leave_swarm(record)
                await self._fail(record, reason, "")

    async def record_false_data(self, info_hash: InfoHash) -> None:
        """Leave a swarm that sends nothing but false data, keep what is verified, and try it again after a pause.

        What is told as left to download, and as corrupt, goes to the sender's tracker with it.
        """
        async with self._repository.changing:
            for record in self._downloading(info_hash):
                await self._repository.leave_swarm(record, keep_progress=True)
                await self._fail(record, _FALSE_DATA, _FALSE_DATA_HINT.format(record.sender), again=True)

    def _downloading(self, info_hash: InfoHash) -> list[DownloadRecord]:
        joined = self._repository.joined_as(info_hash)
        return [record for record in joined if record.step is DownloadStep.DOWNLOADING]

    def _is_under_way(self, record: DownloadRecord) -> bool:
        known = self._repository.downloads.get(record.id)
        return (
            known is not None
            and known.step.is_unfinished
            and (known.envelope, known.envelope_hash) == (record.envelope, record.envelope_hash)
        )

    async def _renew(self, received: OpenedEnvelope, record: DownloadRecord) -> bool:
        """Take the tickets of an envelope that renews what is here, and nothing else: it was approved before.

        Returns:
            False when the envelope is about content that is not here.

        Raises:
            Refused: that content was here and is no longer wanted, or the envelope is a replay.
        """
        if not received.renews:
            return False
        former = self._repository.downloads.get(record.id)
        if former is None and await self._context.store.run(lambda database: database.has_envelope(record)):
            raise Refused(
                "It renews a download that was removed here", hint="Ask the sender to share it again."
            )
        waits = former is not None and former.step is DownloadStep.WAITING
        if former is None or waits or not is_same_swarm(former, record):
            return False
        renewed = adopt_tickets(former, record)
        await self._context.store.run(lambda database: database.require_new(renewed))
        if former.envelope != renewed.envelope:
            # Before that is recorded: afterwards nobody would know that it was not a replay.
            await asyncio.to_thread(self._files.archive_envelope, former)
        await self._context.store.change(lambda database: database.renew(renewed))
        await self._repository.leave_swarm(former, keep_progress=former.step is DownloadStep.DOWNLOADING)
        self._context.tracker.forget(former.trackers)
        self._repository.set_status(renewed)
        await self._file_renewal(renewed)
        self._context.activity.note(ActivityKind.RENEWED, record.name, f"by {record.sender}")
        self._repository.report_refused(renewed)
        await self.resume(renewed)
        return True

    async def _file_renewal(self, record: DownloadRecord) -> None:
        """Put away the envelope of new tickets for what was delivered before, now or after a crash."""
        if record.step is DownloadStep.COMPLETE:
            await asyncio.to_thread(self._files.archive_envelope, record)

    async def _admit(self, record: DownloadRecord, torrent: bytes | None, *, salted: bool) -> None:
        """Begin what a verified sender sent, unless a person has to be asked; `torrent` None: it is stored."""
        await self._require_foreign(record)
        downloads, quota = self._repository.downloads, self._context.config.inbox.quota_bytes
        if excess := sender_quota_problem(record, downloads.values(), quota):
            hint = "Approve it, or wait until others of the same sender are done."
            await self._hold(record, excess, hint, torrent, salted=salted)
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
        """Let a download wait for a person; without a reason it waits for the sake of a rival alone."""
        await self._require_foreign(record)
        await self._context.store.run(lambda database: database.require_new(record))
        downloads, former = self._repository.downloads, self._repository.downloads.get(record.id)
        waiting = hold_back(record, downloads, reason, hint, salted=salted)
        record = supersede(waiting, former)
        known = former is not None and (former.step, former.generation) == (record.step, record.generation)
        if not known and (
            lack := waiting_room_problem(record, downloads.values(), self._context.config.inbox)
        ):
            raise WaitingRoomFull(lack, record)
        await self._context.store.change(lambda database: database.hold(record, torrent))
        await self._take_place(record)
        if not known:
            self._context.activity.note(ActivityKind.APPROVAL, record.name, record.problem)

    async def _begin(self, record: DownloadRecord, torrent: bytes | None = None) -> None:
        former = self._repository.downloads.get(record.id)
        record = supersede(record, former)
        self._retries.drop(record.id)
        replaced = former if former is not None and former.path and record.replaces == former.path else None
        old = await self._repository.torrent(replaced) if replaced else b""
        await self._context.store.change(lambda database: database.admit(record, torrent))
        await self._take_place(record)
        self._repository.report_refused(record)
        for other in await self._claims.take(record):
            self._retries.drop(other.id)
        if replaced is not None:
            new = await self._repository.torrent(record)
            await asyncio.to_thread(self._take_over, replaced, old, record, new)
        await self._or_problem(record, self._resume(record))

    async def _take_place(self, record: DownloadRecord) -> None:
        """Let a record take the place of the former generation's, whose swarm and unfinished files go."""
        former = self._repository.downloads.get(record.id)
        self._repository.set_status(record)
        if former is not None:
            await self._repository.leave_swarm(former)
            if former.staging != record.staging:
                await asyncio.to_thread(self._files.discard, former)
            if (former.info_hash, former.step) != (record.info_hash, record.step):
                await self.release(record)

    def _take_over(
        self, former: DownloadRecord, old_data: bytes, record: DownloadRecord, data: bytes
    ) -> None:
        """Bring what did not change to where the new generation grows, for the engine to verify."""
        payload = Path(former.path)
        try:
            old, new = parse_torrent(old_data), parse_torrent(data)
            taken = reuse_unchanged_files(old, payload, new, self._files.prepare(record))
        except TuishareError as error:
            _log.info("Nothing is taken over from the former generation: %s", error.detail)
        else:
            _log.info("Took over %d bytes of %r", taken, record.name)

    async def _keep_reserve(self) -> None:
        """Stop downloads before a disk that fills up from elsewhere eats into the reserve; the last begun go first."""
        async with self._repository.changing:
            spared = self._context.config.downloads.reserve_bytes // _SPARED
            while running := self._repository.running():
                *others, last = running
                try:
                    lack = self._files.missing_space
                    reason = await asyncio.to_thread(lack, last, others, spared=spared)
                except OSError as error:  # the folder is gone for now; libtorrent says so when it writes
                    _log.warning("Cannot tell how much space is left: %s", error.strerror)
                    return
                if not reason:
                    return
                _log.warning("Stopped receiving %r: %s", for_display(last.name), reason)
                self._context.activity.note(ActivityKind.PROBLEM, last.name, reason)
                await self._repository.leave_swarm(last, keep_progress=True)
                await self._repository.save(transitions.enqueue(last, reason))

    async def _start_queued(self) -> None:
        async with self._repository.changing:
            for record in list(self._repository.downloads.values()):
                if record.step is DownloadStep.QUEUED and not record.paused:
                    if self._slot_problem(record):
                        break  # and so do all that come after it
                    await self._or_problem(record, self._join(record))

    async def _resume(self, record: DownloadRecord) -> None:
        if record.paused:
            return
        match record.step:
            case DownloadStep.DOWNLOADING | DownloadStep.QUEUED:
                await self._join(record)
            case DownloadStep.DELIVERING:
                await self._move_payload(record)
            case DownloadStep.COMPLETE:
                await self.seeding.begin(record)
            case DownloadStep.PROBLEM:
                await self._resume(await self._repository.save(transitions.retry(record)))
            case DownloadStep.WAITING:
                if record.rival and holder_of(record, self._repository.downloads) is None:
                    await self._admit(transitions.clear_conflict(record), None, salted=False)
            case _ as never:
                assert_never(never)

    async def _join(self, record: DownloadRecord) -> None:
        if (alone := await self._claims.alone(record)) is None:
            return
        record = alone
        staging = Path(record.staging)
        reason = self._slot_problem(record)
        if not reason:
            await asyncio.to_thread(self._files.prepare, record)
            reason = await self._missing_space(record)
        if reason:
            if (record.step, record.problem) != (DownloadStep.QUEUED, reason):
                await self._repository.save(transitions.enqueue(record, reason))
            return
        if record.step is not DownloadStep.DOWNLOADING:
            record = await self._repository.save(transitions.start(record))
        resume = await self._context.store.run(lambda database: database.resume_data(record.info_hash))
        await self._repository.join_swarm(record, staging, resume_data=resume)

    async def _missing_space(self, record: DownloadRecord) -> str:
        others = [other for other in self._repository.running() if other.id != record.id]
        return await asyncio.to_thread(self._files.missing_space, record, others)

    def _slot_problem(self, record: DownloadRecord) -> str:
        others = [
            other
            for other in self._repository.downloads.values()
            if other.id != record.id
            and other.step is DownloadStep.DOWNLOADING
            and self._repository.on_added(other)
        ]
        engine = self._context.engine
        # Of what the machine allows, one whose sender is away takes nothing.
        engaged = sum(engine.is_engaged(InfoHash(other.info_hash)) for other in others)
        return slot_problem(len(others), self._context.config.limits.active_downloads) or slot_problem(
            engaged, engine.allotment.downloads
        )

    async def _deliver(self, record: DownloadRecord) -> None:
        """From complete to landed: what is not on disk yet does not count as received, neither here nor elsewhere."""
        info_hash = InfoHash(record.info_hash)
        if self._context.engine.progress(info_hash).state in {"checking", "downloading"}:
            return  # it was complete before its owner wanted more of it
        await self._context.engine.flush(info_hash)
        if not record.unwanted:
            self._context.tracker.confirm(record)
        await self._repository.leave_swarm(record)
        replaced = await self._repository.replaced_torrent(record)
        target = await asyncio.to_thread(self._files.choose_target, record, replaced)
        await self._move_payload(await self._repository.save(transitions.begin_delivery(record, str(target))))

    async def _move_payload(self, record: DownloadRecord) -> None:
        torrent, replaced = (
            await self._repository.torrent(record),
            await self._repository.replaced_torrent(record),
        )
        try:
            landed = await asyncio.to_thread(self._files.move_payload, record, torrent, replaced)
        except FileExistsError:
            # Taken since it was chosen, or something was done to what is there: either way it stays.
            target = await asyncio.to_thread(self._files.choose_target, replace(record, replaces=""))
            record = await self._repository.save(transitions.choose_other_place(record, str(target)))
            landed = await asyncio.to_thread(self._files.move_payload, record, torrent, replaced)
        await asyncio.to_thread(self._files.archive_envelope, record)
        await self._context.store.change(lambda database: database.forget_resume(record.info_hash))
        done = await self._repository.save(
            transitions.mark_complete(record, landed.signature, self._context.now())
        )
        self._retries.drop(record.id)
        _log.info("Received %r from %s", record.name, record.sender)
        self._context.activity.note(
            ActivityKind.RECEIVED, record.name, f"from {record.sender}{describe_kept(record, landed)}"
        )
        await self.seeding.begin(done)

    async def _begun(self, received: OpenedEnvelope, envelope: str, digest: bytes) -> DownloadRecord:
        """The record of what an envelope holds, judged to the end before anything of it is stored.

        Raises:
            Refused: its ticket or its torrent cannot work.
        """
        record = new_download(received, ArrivedEnvelope(envelope, digest), self._files, self._context.now())
        try:
            await asyncio.to_thread(require_usable, record, received.manifest.torrent)
        except BadInput as error:
            raise Refused(error.detail, hint=error.hint or "Ask the sender to share it again.") from error
        return record

    async def _or_problem(self, record: DownloadRecord, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 — whatever it is, it is a problem of this download alone
            problem = explain(error, f"receive “{for_display(record.name)}”")
            _log.warning("Cannot receive %r: %s", for_display(record.name), problem.detail)
            await self._fail(self._repository.downloads.get(record.id, record), problem.detail, problem.hint)

    async def _leave_spoilt(self) -> None:
        """Let those go that got false data and have had no peer since: libtorrent has banned who sent it."""
        live = self._context.engine.all_progress().items()
        lonely = {info_hash for info_hash, now in live if now.spoilt and not now.peers}
        for info_hash in lonely & self._lonely:
            await self.record_false_data(info_hash)
        self._lonely = lonely

    async def _fail(self, record: DownloadRecord, problem: str, hint: str, *, again: bool = False) -> None:
        """Show a problem; one of a disk is tried again, until a person has made space, and told of once.

        Args:
            record: which download.
            problem: one sentence.
            hint: what to do about it.
            again: whether it is tried again though no disk is to blame.
        """
        news = True
        if again or is_of_disk(problem):
            news = self._retries.put_off(record.id)
        else:
            self._retries.drop(record.id)
        if news:
            self._context.activity.note(ActivityKind.PROBLEM, record.name, problem)
        await self._repository.save(transitions.fail(record, problem, hint))

    async def _try_again(self) -> None:
        async with self._repository.changing:
            for record in map(self._repository.downloads.get, self._retries.take_due()):
                if record is not None and record.step is DownloadStep.PROBLEM and not record.paused:
                    await self._repository.leave_swarm(record)
                    await self.resume(record)
