"""What users order for downloads: approve, reject, choose files, pause, resume, forget, delete.

Owns these commands, and which files of a download may be left out. Must not download: `tuishare.agent.downloads.queue`
continues with what a command leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.downloads.fault_codes import RefusedByUser
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.events import DownloadDiscarded, EventBus
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, Refused
from tuishare.torrents import cost_of, parse_torrent


def can_choose(record: DownloadRecord) -> bool:
    """Return whether files of a download can still be left out: it has neither all data nor a place."""
    return not record.step.has_all_data and not record.path


def select_files(record: DownloadRecord, data: bytes, unwanted: Collection[int]) -> DownloadRecord:
    """Return a download without some of its files. Blocking.

    Args:
        record: of the download.
        data: its torrent.
        unwanted: the numbers of files, from 0 in the torrent's order.

    Raises:
        Refused: it is complete, or its files cannot be fetched one by one.
        BadInput: there is no file with such a number, or nothing would be left.
    """
    if not can_choose(record):
        raise Refused(
            "It is complete, so there is nothing left to choose",
            hint="Ask the sender to share it again if you need what you left out.",
        )
    torrent = parse_torrent(data)
    if len(torrent.files) == 1:
        raise Refused("It is one file, so there is nothing to choose", hint="`tuishare forget` stops it.")
    if torrent.version == 1:
        raise Refused("Its files cannot be fetched one by one: it is a torrent of the old kind, v1")
    numbers = frozenset(unwanted)
    if not numbers <= set(range(len(torrent.files))):
        raise BadInput(f"Its files have the numbers from 0 to {len(torrent.files) - 1}")
    if all(file.size == 0 or number in numbers for number, file in enumerate(torrent.files)):
        raise BadInput("Nothing would be left to download", hint="`tuishare forget` stops it.")
    cost = cost_of(torrent, numbers)
    return replace(record, unwanted=tuple(sorted(numbers)), cost=cost.size, entries=cost.entries)


class DownloadCommands:
    """Carries out commands for single downloads.

    Raises:
        NotFound: from every method: there is no such download.
    """

    def __init__(
        self,
        repository: DownloadRepository,
        queue: DownloadQueue,
        admission: DownloadAdmission,
        files: DownloadFiles,
        events: EventBus,
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._admission = admission
        self._files = files
        self._events = events

    async def approve(self, download_id: str) -> None:
        """Download what waits for approval; the sender's next envelope waits again.

        Raises:
            Refused: it does not wait for approval.
        """
        async with self._repository.lock:
            await self._admission.approve(self._waiting(download_id))

    async def reject(self, download_id: str) -> None:
        """Reject what waits for approval; its generation is not accepted again.

        Raises:
            Refused: it does not wait for approval.
        """
        async with self._repository.lock:
            record = self._waiting(download_id)
            await self._repository.remove(record)
            await self._events.publish_and_wait(
                DownloadDiscarded(record.envelope, RefusedByUser("You rejected it"))
            )
            await self._admission.release(record)

    async def pause(self, download_id: str) -> None:
        """Leave the swarm until it is resumed, also after a restart; what was downloaded is kept.

        Raises:
            Refused: it waits for approval, so nothing is being downloaded.
        """
        async with self._repository.lock:
            record = self._repository.get(download_id)
            if record.step is DownloadStep.WAITING:
                raise Refused(
                    "This download waits for approval, and nothing of it is downloaded before",
                    hint="Approve it, or reject it.",
                )
            record = await self._repository.save(transitions.pause(record))
            await self._repository.leave_swarm(record, keep_progress=record.step is DownloadStep.DOWNLOADING)

    async def resume(self, download_id: str) -> None:
        """Continue a download where it was; a problem is tried again."""
        async with self._repository.lock:
            record = self._repository.get(download_id)
            await self._repository.leave_swarm(record)
            await self._queue.resume(await self._repository.save(transitions.resume(record)))

    async def choose(self, download_id: str, unwanted: Collection[int]) -> None:
        """Download all but some files, numbered in the torrent's order; a problem is tried again.

        Raises:
            Refused: it is complete, or its files cannot be fetched one by one.
            BadInput: there is no file with such a number, or nothing would be left.
        """
        async with self._repository.lock:
            record = self._repository.get(download_id)
            torrent = await self._repository.torrent(record)
            record = await asyncio.to_thread(select_files, record, torrent, unwanted)
            await self._repository.save(record)
            await self._repository.leave_swarm(record, keep_progress=True)
            await self._queue.resume(record)

    async def forget(self, download_id: str) -> None:
        """Remove a download; what was delivered stays, what was not is discarded."""
        async with self._repository.lock:
            await self._forget(self._repository.get(download_id))

    async def delete(self, download_id: str) -> None:
        """Remove a download and delete what was delivered; other files of the user stay.

        Raises:
            SystemFailed: not all of it could be deleted; the download stays in the list.
        """
        async with self._repository.lock:
            record = self._repository.get(download_id)
            await self._repository.leave_swarm(record)
            # Before it is complete, a file with its name is not its own.
            if record.step is DownloadStep.COMPLETE:
                torrent = await self._repository.torrent(record)
                await asyncio.to_thread(self._files.delete, record, torrent)
            await self._forget(record)

    async def _forget(self, record: DownloadRecord) -> None:
        await self._repository.remove(record)
        if not record.step.has_all_data:  # its envelope is still in the inbox
            await self._events.publish_and_wait(
                DownloadDiscarded(record.envelope, RefusedByUser("You stopped its download"))
            )
        await asyncio.to_thread(self._files.discard, record)
        await self._admission.release(record)

    def _waiting(self, download_id: str) -> DownloadRecord:
        record = self._repository.get(download_id)
        if record.step is not DownloadStep.WAITING:
            raise Refused(
                "This download does not wait for approval", hint="`tuishare list` shows where it stands."
            )
        return record
