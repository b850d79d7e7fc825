"""What runs when: the admitted downloads, one after the other, as slots and space allow.

Owns the loop that delivers, starts and retries, when failed downloads are retried, and what follows when a step fails;
`tuishare.agent.downloads.pipeline` does the steps. Must not admit anything: that is
`tuishare.agent.downloads.admission`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, assert_never

from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.conflicts import TorrentClaims
from tuishare.agent.downloads.fault_codes import fault_of, fault_of_false_data, may_pass
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.pipeline import DownloadPipeline, Seeding
from tuishare.agent.downloads.quotas import slot_problem
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.error_isolation import explain
from tuishare.agent.live import Live
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.faults import Fault
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import Refused, SystemFailed, TuishareError
from tuishare.sanitize import for_display
from tuishare.swarm import Engine
from tuishare.torrents import InfoHash

FIRST_RETRY_SECONDS: Final = 10.0
LONGEST_RETRY_SECONDS: Final = 600.0
"""Seconds until the first retry, which are doubled each time, and the most they become."""
QUEUE_SECONDS: Final = 5.0
"""Seconds between checks whether there is space for the downloads that wait for it, and still for those that run."""
_SPARED: Final = 16
"""The part of the reserve, 1/16, that file systems may take for their own lists before a download is stopped for it."""
_FALSE_DATA: Final = "The received data does not match its hashes"
_FALSE_DATA_HINT: Final = (
    "It is retried. If that does not help, ask {} whether the file was changed or a disk is bad."
)
_log = logging.getLogger(__name__)


class Retries:
    """When to retry what, by its id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def defer(self, what: str) -> bool:
        """Retry something later; return whether it has failed for the first time."""
        known = self._pauses.get(what)
        pause = FIRST_RETRY_SECONDS if known is None else min(2 * known, LONGEST_RETRY_SECONDS)
        self._pauses[what] = pause
        self._due[what] = self._clock() + pause
        return known is None

    def seconds_until(self, what: str) -> float | None:
        """Return in how many seconds something is retried; None if it is not."""
        at = self._due.get(what)
        return None if at is None else max(0.0, at - self._clock())

    def take_due(self) -> list[str]:
        """Return what is to be retried now, each once."""
        due = [what for what, at in self._due.items() if at <= self._clock()]
        for what in due:
            del self._due[what]
        return due

    def drop(self, what: str) -> None:
        """Forget something that has succeeded or was removed."""
        self._pauses.pop(what, None)
        self._due.pop(what, None)


class DownloadQueue:
    """Brings admitted downloads to their places.

    Attributes:
        pipeline: does the steps.
        claims: decides which of several downloads of one torrent has its swarm.
        seeding: seeds what was delivered.
    """

    def __init__(
        self,
        repository: DownloadRepository,
        files: DownloadFiles,
        pipeline: DownloadPipeline,
        claims: TorrentClaims,
        seeding: Seeding,
        *,
        engine: Engine,
        settings: Live[Config],
        activity: ActivityLog,
    ) -> None:
        self._repository = repository
        self._files = files
        self.pipeline = pipeline
        self.claims = claims
        self.seeding = seeding
        self._engine = engine
        self._settings = settings
        self._activity = activity
        self._completed: asyncio.Queue[InfoHash] = asyncio.Queue()
        self._retries = Retries()
        self._without_peers: set[InfoHash] = set()
        self._banned: dict[InfoHash, set[str]] = {}

    @property
    def downloads(self) -> Mapping[str, DownloadRecord]:
        """All downloads by id, oldest first."""
        return self._repository.downloads

    async def load(self) -> None:
        """Continue every admitted download where the last run left it; what had a problem is tried again."""
        records = await self._repository.load()
        if not self._repository.damaged:  # what these have received may lie in any of the folders
            await asyncio.to_thread(self._files.sweep, {record.staging for record in records})
        for record in records:
            await self.resume(record)

    async def run(self) -> None:
        """Deliver what is complete, start what waits for space, retry what a disk refused; until cancelled."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    info_hash = await asyncio.wait_for(self._completed.get(), QUEUE_SECONDS)
                    async with self._repository.lock:
                        for record in self._downloading(info_hash):
                            async with self.isolate(record):
                                await self._finish(await self.pipeline.deliver(record))
                await self._keep_reserve()
                await self._start_queued()
                await self._leave_corrupted()
                await self._retry_failed()
        finally:
            self._files.end()

    def on_completed(self, info_hash: InfoHash) -> None:
        """Deliver a torrent soon: every piece of it has arrived."""
        self._completed.put_nowait(info_hash)

    async def resume(self, record: DownloadRecord) -> None:
        """Continue an admitted download where it stands; the repository's lock is held."""
        async with self.isolate(record):
            await self._resume(record)

    async def finish_delivery(self, download_id: str) -> DownloadRecord | None:
        """Finish a delivery that was interrupted, before another generation of the share takes its place; lock held.

        The payload may stand in its place already, and the one that it replaces beside it: only what is delivered can
        be told from what its recipient has changed.

        Returns:
            The download as it is then; None if there is none.

        Raises:
            SystemFailed: the disk refuses; it is tried again.
        """
        record = self._repository.downloads.get(download_id)
        if record is None or not record.is_half_delivered:
            return record
        if record.step is DownloadStep.PROBLEM:
            record = await self._repository.save(transitions.retry(record))
        try:
            return await self.pipeline.move_payload(record)
        except TuishareError as error:
            await self._fail(record, error, retry=may_pass(error))
            if isinstance(error, SystemFailed):
                raise
            return self._repository.downloads.get(
                download_id
            )  # its data is gone, and what it replaces is back

    @contextlib.asynccontextmanager
    async def isolate(self, record: DownloadRecord) -> AsyncIterator[None]:
        """Do work on one download; what goes wrong is recorded with it; the repository's lock is held."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 — whatever it is, it is a problem of this download alone
            problem = explain(error, f"receive “{for_display(record.name)}”")
            _log.warning("Cannot receive %r: %s", for_display(record.name), problem.detail)
            now = self._repository.downloads.get(record.id, record)
            await self._fail(now, problem, retry=may_pass(problem))

    def seconds_until_retry(self, download_id: str) -> float | None:
        """Return in how many seconds a failed download is retried; None if it is not."""
        return self._retries.seconds_until(download_id)

    def forget_failures(self, download_id: str) -> None:
        """Let a download begin without the pauses of earlier failures."""
        self._retries.drop(download_id)

    async def record_problem(self, info_hash: InfoHash, problem: SystemFailed) -> None:
        """Stop a download that the engine cannot continue."""
        async with self._repository.lock:
            for record in self._downloading(info_hash):
                await self._repository.leave_swarm(record)
                await self._fail(record, problem, retry=may_pass(problem))

    async def record_false_data(self, info_hash: InfoHash) -> None:
        """Leave a swarm that sends nothing but false data, keep what is verified, and retry after a pause.

        The sender's tracker learns how much is left to download, and how much data was corrupt.
        """
        async with self._repository.lock:
            for record in self._downloading(info_hash):
                await self._repository.leave_swarm(record, keep_progress=True)
                problem = Refused(_FALSE_DATA, hint=_FALSE_DATA_HINT.format(record.sender))
                fault = fault_of_false_data(record, self._banned.pop(info_hash, ()))
                await self._fail(record, problem, retry=True, fault=fault)

    def note_banned(self, info_hash: InfoHash, host: str) -> None:
        """Note that a peer was banned for sending data that fails the hash check."""
        if self._downloading(info_hash):
            self._banned.setdefault(info_hash, set()).add(host)

    def _downloading(self, info_hash: InfoHash) -> list[DownloadRecord]:
        joined = self._repository.joined_as(info_hash)
        return [record for record in joined if record.step is DownloadStep.DOWNLOADING]

    async def _resume(self, record: DownloadRecord) -> None:
        if record.paused:
            return
        match record.step:
            case DownloadStep.WAITING:
                return  # for approval, or for another download: see `DownloadAdmission.release`
            case DownloadStep.DOWNLOADING | DownloadStep.QUEUED:
                await self._start(record)
            case DownloadStep.DELIVERING:
                await self._finish(await self.pipeline.move_payload(record))
            case DownloadStep.COMPLETE:
                await self.seeding.begin(record)
            case DownloadStep.PROBLEM:
                await self._resume(await self._repository.save(transitions.retry(record)))
            case _ as never:
                assert_never(never)

    async def _start(self, record: DownloadRecord) -> None:
        """Join the swarm if no other download has the torrent, and there is a slot and space."""
        if (claimed := await self.claims.claim(record)) is None:
            return
        slot = self._slot_problem(claimed)
        reason = slot or await self._missing_space(claimed)
        if not reason:
            await self.pipeline.join(await self.pipeline.choose_names(claimed))
        elif (claimed.step, claimed.problem) != (DownloadStep.QUEUED, reason):
            fault = None if slot else Fault.NO_SPACE
            await self._repository.save(transitions.enqueue(claimed, reason, fault))

    async def _finish(self, complete: DownloadRecord | None) -> None:
        """Seed what was delivered."""
        if complete is not None:
            self._retries.drop(complete.id)
            self._banned.pop(InfoHash(complete.info_hash), None)
            await self.seeding.begin(complete)

    async def _missing_space(self, record: DownloadRecord) -> str:
        await asyncio.to_thread(self._files.prepare, record)
        others = [other for other in self._repository.running() if other.id != record.id]
        return await asyncio.to_thread(self._files.missing_space, record, others)

    def _slot_problem(self, record: DownloadRecord) -> str:
        others = [other for other in self._repository.running() if other.id != record.id]
        engine = self._engine
        # A download whose sender is away takes nothing of what the machine allows.
        engaged = sum(engine.is_engaged(InfoHash(other.info_hash)) for other in others)
        return slot_problem(len(others), self._settings.current.limits.active_downloads) or slot_problem(
            engaged, engine.allotment.downloads
        )

    async def _keep_reserve(self) -> None:
        """Stop downloads before a disk that fills up from elsewhere eats into the reserve; the last begun go first."""
        async with self._repository.lock:
            spared = self._settings.current.downloads.reserve_bytes // _SPARED
            while running := self._repository.running():
                *others, last = running
                try:
                    lack = self._files.missing_space
                    reason = await asyncio.to_thread(lack, last, others, spared=spared)
                except OSError as error:  # the folder is gone for now; libtorrent reports that when it writes
                    _log.warning("Cannot read the free space of the disk: %s", error.strerror)
                    return
                if not reason:
                    return
                _log.warning("Stopped receiving %r: %s", for_display(last.name), reason)
                self._activity.note(ActivityKind.PROBLEM, last.name, reason)
                await self._repository.leave_swarm(last, keep_progress=True)
                await self._repository.save(transitions.enqueue(last, reason, Fault.NO_SPACE))

    async def _start_queued(self) -> None:
        async with self._repository.lock:
            for record in list(self._repository.downloads.values()):
                if record.step is DownloadStep.QUEUED and not record.paused:
                    if self._slot_problem(record):
                        break  # and none for those after it
                    async with self.isolate(record):
                        await self._start(record)

    async def _leave_corrupted(self) -> None:
        """Stop downloads that got false data and have had no peer since: libtorrent has banned its sender."""
        live = self._engine.all_progress().items()
        without_peers = {info_hash for info_hash, now in live if now.failed_pieces and not now.peers}
        for info_hash in without_peers & self._without_peers:
            await self.record_false_data(info_hash)
        self._without_peers = without_peers

    async def _retry_failed(self) -> None:
        async with self._repository.lock:
            for record in map(self._repository.downloads.get, self._retries.take_due()):
                if record is not None and record.step is DownloadStep.PROBLEM and not record.paused:
                    await self._repository.leave_swarm(record)
                    await self.resume(record)

    async def _fail(
        self, record: DownloadRecord, problem: TuishareError, *, retry: bool, fault: Fault | None = None
    ) -> None:
        """Record a problem.

        Args:
            record: of the download.
            problem: with a hint what to do about it.
            retry: retry it after a pause, and notify only once.
            fault: what its sender is told; None: what follows from the problem.
        """
        is_new = True
        if retry:
            is_new = self._retries.defer(record.id)
        else:
            self._retries.drop(record.id)
        if is_new:
            self._activity.note(ActivityKind.PROBLEM, record.name, problem.detail)
        failed = transitions.fail(record, problem.detail, problem.hint, fault or fault_of(problem))
        await self._repository.save(failed)
