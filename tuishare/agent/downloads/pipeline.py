"""The work on one download: it joins its swarm, is delivered, and seeded. Each step is recorded before its side effect.

Owns how a step is done, from the staging folder to the payload's place, and when seeding begins and ends. Must not
decide which download is worked on, nor when, nor what follows from a failure: that is `tuishare.agent.downloads.queue`.
Whether a payload is still what was delivered, `tuishare.agent.downloads.inventory` and
`tuishare.agent.downloads.payload_watch` find out.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.conflicts import TorrentClaims
from tuishare.agent.downloads.files import DownloadFiles, describe_kept
from tuishare.agent.downloads.inventory import Condition, inspect
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.live import Live
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import TuishareError
from tuishare.sanitize import for_display
from tuishare.swarm import Engine, choose_names
from tuishare.torrents import InfoHash, parse_torrent

_log = logging.getLogger(__name__)
_DAY: Final = 86_400


class DownloadPipeline:
    """Does the steps of downloads; the repository's lock is held by the callers."""

    def __init__(
        self,
        repository: DownloadRepository,
        files: DownloadFiles,
        *,
        store: Store,
        engine: Engine,
        tracker: TrackerService,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._files = files
        self._store = store
        self._engine = engine
        self._tracker = tracker
        self._activity = activity
        self._clock = clock

    async def choose_names(self, record: DownloadRecord) -> DownloadRecord:
        """Give the files of a download names that its disk takes, before anything is received.

        Raises:
            TuishareError: the disk takes none.
        """
        if await asyncio.to_thread(self._files.has_received, record):
            return record
        torrent = parse_torrent(await self._repository.torrent(record))
        names = await asyncio.to_thread(choose_names, torrent, Path(record.staging))
        if names == record.local_names:
            return record
        return await self._repository.save(transitions.name_files(record, names))

    async def join(self, record: DownloadRecord) -> None:
        """Download in the swarm of a download whose staging folder is there.

        Raises:
            Refused: it is the torrent of a share of our own.
            TuishareError: the engine does not take it.
        """
        if record.step is not DownloadStep.DOWNLOADING:
            record = await self._repository.save(transitions.start(record))
        resume = await self._store.run(lambda database: database.resume_data(record.info_hash))
        await self._repository.join_swarm(record, Path(record.staging), resume_data=resume)

    async def deliver(self, record: DownloadRecord) -> DownloadRecord | None:
        """Deliver a download whose pieces have all arrived; only what is on disk counts as received.

        Returns:
            The download when it is delivered; None when it is not complete after all.

        Raises:
            TuishareError: it could not be delivered.
        """
        info_hash = InfoHash(record.info_hash)
        if self._engine.progress(info_hash).state in {"checking", "downloading"}:
            return None  # it was complete before the user wanted more of it
        await self._engine.flush(info_hash)
        if not record.unwanted:
            self._tracker.confirm(record)
        await self._repository.leave_swarm(record)
        replaced = await self._repository.replaced_torrent(record)
        target = await asyncio.to_thread(self._files.choose_target, record, replaced)
        record = await self._repository.save(transitions.begin_delivery(record, str(target)))
        return await self.move_payload(record)

    async def move_payload(self, record: DownloadRecord) -> DownloadRecord:
        """Move the payload of a download to its place, also where a crash has interrupted that; return it complete.

        Raises:
            TuishareError: it could not be moved.
        """
        torrent = await self._repository.torrent(record)
        replaced = await self._repository.replaced_torrent(record)
        try:
            moved = await asyncio.to_thread(self._files.move_payload, record, torrent, replaced)
        except FileExistsError:
            # Taken since it was chosen, or something was done to what is there: either way it stays.
            target = await asyncio.to_thread(self._files.choose_target, replace(record, replaces=""))
            record = await self._repository.save(transitions.choose_other_place(record, str(target)))
            moved = await asyncio.to_thread(self._files.move_payload, record, torrent, replaced)
        await asyncio.to_thread(self._files.archive_envelope, record)
        await self._store.change(lambda database: database.forget_resume(record.info_hash))
        complete = transitions.mark_complete(record, moved.fingerprint, self._clock.now())
        await self._repository.save(complete)
        _log.info("Received %r from %s", record.name, record.sender)
        self._activity.note(
            ActivityKind.RECEIVED, record.name, f"from {record.sender}{describe_kept(record, moved)}"
        )
        return complete


class Seeding:
    """Seeds delivered payloads in their places."""

    def __init__(
        self,
        repository: DownloadRepository,
        claims: TorrentClaims,
        *,
        store: Store,
        engine: Engine,
        settings: Live[Config],
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._claims = claims
        self._store = store
        self._engine = engine
        self._settings = settings
        self._clock = clock

    async def begin(self, record: DownloadRecord) -> None:
        """Seed a complete download, if the payload is still what was delivered; the repository's lock is held.

        A payload that the user has moved or edited is theirs: the engine must neither seed nor repair it. If that is
        doubtful, `tuishare.agent.downloads.payload_watch` compares it first. A failure does not undo the delivery.
        """
        if (claimed := await self._claims.claim(record)) is None:
            return
        record = claimed
        if record.unwanted or self._is_over(record):
            return  # in a partial payload, the engine would take the rest to be missing
        target = Path(record.path)
        match await asyncio.to_thread(inspect, target, record.fingerprint):
            case Condition.CHANGED:
                self._repository.mark_altered(record)
                return
            case Condition.DOUBTFUL:
                self._repository.mark_doubtful(record)
                return
            case Condition.INTACT:
                self._repository.clear_doubtful(record)
        try:
            resume = await self._store.run(lambda database: database.resume_data(record.info_hash))
            await self._repository.join_swarm(
                record, target.parent, name=target.name, complete=True, resume_data=resume
            )
        except TuishareError as error:
            _log.warning("Cannot seed %r: %s", record.name, error.detail)

    async def end(self) -> None:
        """Leave the swarms of what was seeded for long enough, or often enough."""
        async with self._repository.lock:
            for record in list(self._repository.downloads.values()):
                if record.step is DownloadStep.COMPLETE:
                    with isolate_errors(f"end seeding “{for_display(record.name)}”"):
                        await self._end(record)

    async def _end(self, record: DownloadRecord) -> None:
        if self._is_over(record):
            await self._repository.leave_swarm(record)
        elif self._is_seeded_enough(record):
            # The count continues after a restart: what is seeded enough leaves again at once.
            await self._repository.leave_swarm(record, keep_progress=True)

    def _is_over(self, record: DownloadRecord) -> bool:
        days = self._settings.current.downloads.seed_days
        return self._clock.now() >= (record.completed or record.added) + days * _DAY

    def _is_seeded_enough(self, record: DownloadRecord) -> bool:
        ratio = self._settings.current.downloads.seed_ratio
        if not ratio or not self._repository.is_joined(record):
            return False
        uploaded = self._engine.progress(InfoHash(record.info_hash)).uploaded
        return uploaded >= ratio * record.size
