"""The work on one download: it joins its swarm, and is delivered. Each step is recorded before its side effect.

Owns how a step is done, from the staging folder to the payload's place. Must not decide which download is worked on,
nor when, nor what follows from a failure: that is `tuishare.agent.downloads.queue`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.files import DownloadFiles, describe_kept
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.core.activity import ActivityKind
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.torrents import InfoHash

_log = logging.getLogger(__name__)


class DownloadPipeline:
    """Does the steps of downloads; the repository's lock is held by the callers."""

    def __init__(self, context: Context, repository: DownloadRepository, files: DownloadFiles) -> None:
        self._context = context
        self._repository = repository
        self._files = files

    async def join(self, record: DownloadRecord) -> None:
        """Download in the swarm of a download whose staging folder is there.

        Raises:
            Refused: it is the torrent of a share of our own.
            TuishareError: the engine does not take it.
        """
        if record.step is not DownloadStep.DOWNLOADING:
            record = await self._repository.save(transitions.start(record))
        resume = await self._context.store.run(lambda database: database.resume_data(record.info_hash))
        await self._repository.join_swarm(record, Path(record.staging), resume_data=resume)

    async def deliver(self, record: DownloadRecord) -> DownloadRecord | None:
        """Deliver a download whose pieces have all arrived; only what is on disk counts as received.

        Returns:
            The download when it is delivered; None when it is not complete after all.

        Raises:
            TuishareError: it could not be delivered.
        """
        info_hash = InfoHash(record.info_hash)
        if self._context.engine.progress(info_hash).state in {"checking", "downloading"}:
            return None  # it was complete before the user wanted more of it
        await self._context.engine.flush(info_hash)
        if not record.unwanted:
            self._context.tracker.confirm(record)
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
        await self._context.store.change(lambda database: database.forget_resume(record.info_hash))
        complete = transitions.mark_complete(record, moved.fingerprint, self._context.now())
        await self._repository.save(complete)
        _log.info("Received %r from %s", record.name, record.sender)
        self._context.activity.note(
            ActivityKind.RECEIVED, record.name, f"from {record.sender}{describe_kept(record, moved)}"
        )
        return complete
