"""What becomes of a download by its owner's wish: approved, rejected, chosen from, paused, forgotten, deleted.

Owns these changes and nothing of the way to its place, which is `tuishare.agent.downloads.queue`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from tuishare.agent.downloads import transitions
from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.downloads.file_selection import choose
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import Refused, TuishareError


class DownloadCommands:
    """Carries out what is asked of single downloads.

    Raises:
        NotFound: from every method: there is no such download.
    """

    def __init__(
        self,
        repository: DownloadRepository,
        queue: DownloadQueue,
        admission: DownloadAdmission,
        files: DownloadFiles,
        turn_away: Callable[[str, TuishareError], Awaitable[None]],
    ) -> None:
        """`turn_away` moves an envelope out of the inbox, with the reason beside it."""
        self._repository = repository
        self._queue = queue
        self._admission = admission
        self._files = files
        self._turn_away = turn_away

    async def approve(self, download_id: str) -> None:
        """Download what waits for approval, this once.

        Raises:
            Refused: it does not wait for approval.
        """
        async with self._repository.lock:
            await self._admission.approve(self._waiting(download_id))

    async def reject(self, download_id: str) -> None:
        """Turn away what waits for approval; this generation is not taken again.

        Raises:
            Refused: it does not wait for approval.
        """
        async with self._repository.lock:
            record = self._waiting(download_id)
            await self._repository.remove(record)
            await self._turn_away(record.envelope, Refused("You rejected it"))
            await self._admission.release(record)

    async def pause(self, download_id: str) -> None:
        """Leave the swarm until it is resumed, also after a restart; what was downloaded is kept.

        Raises:
            Refused: it waits for approval, so that nothing is under way.
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
        """Go on where it was; a problem is tried once more."""
        async with self._repository.lock:
            record = self._repository.get(download_id)
            await self._repository.leave_swarm(record)
            await self._queue.resume(await self._repository.save(transitions.resume(record)))

    async def choose(self, download_id: str, unwanted: Collection[int]) -> None:
        """Download all but some files, which are numbered in the torrent's order; a problem is tried once more.

        Raises:
            Refused: it is complete, or its files cannot be fetched one by one.
            BadInput: there is no file of such a number, or nothing would be left.
        """
        async with self._repository.lock:
            record = self._repository.get(download_id)
            torrent = await self._repository.torrent(record)
            record = await asyncio.to_thread(choose, record, torrent, unwanted)
            await self._repository.save(record)
            await self._repository.leave_swarm(record, keep_progress=True)
            await self._queue.resume(record)

    async def forget(self, download_id: str) -> None:
        """Stop it; what was delivered stays, what was not is discarded."""
        async with self._repository.lock:
            await self._forget(self._repository.get(download_id))

    async def delete(self, download_id: str) -> None:
        """Stop it and delete what was delivered; what else its owner has put there stays.

        Raises:
            SystemFailed: not all of it could be deleted; it stays in the list.
        """
        async with self._repository.lock:
            record = self._repository.get(download_id)
            await self._repository.leave_swarm(record)
            # Before that, whatever has this name is another's.
            if record.step is DownloadStep.COMPLETE:
                torrent = await self._repository.torrent(record)
                await asyncio.to_thread(self._files.delete, record, torrent)
            await self._forget(record)

    async def _forget(self, record: DownloadRecord) -> None:
        await self._repository.remove(record)
        if not record.step.has_all_data:  # its envelope is still in the inbox
            await self._turn_away(record.envelope, Refused("You stopped its download"))
        await asyncio.to_thread(self._files.discard, record)
        await self._admission.release(record)

    def _waiting(self, download_id: str) -> DownloadRecord:
        record = self._repository.get(download_id)
        if record.step is not DownloadStep.WAITING:
            raise Refused(
                "This download does not wait for approval", hint="`tuishare list` shows where it stands."
            )
        return record
