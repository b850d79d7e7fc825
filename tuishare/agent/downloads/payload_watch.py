"""Watches delivered payloads for as long as they are seeded.

Owns noticing that one may no longer be what was delivered, and comparing it: the user may edit, move or delete it, and
no recipient may get the result as the sender's data. Must not touch the payload, nor decide how long it is seeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from tuishare.agent.downloads.inventory import Condition, PayloadFingerprint, compare_with_torrent, inspect
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.folders.watcher import FileEvent, Watcher
from tuishare.agent.live import Live
from tuishare.config.model import Config
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.sanitize import for_display

_SHARE_OF_TIME: Final = 20
"""A payload that is being edited is read again only after this many times the time that reading took."""
_log = logging.getLogger(__name__)


class PayloadWatcher:
    """Checks seeded payloads after each file event, and all of them whenever folders are scanned.

    Only the folders that hold payloads are watched: an edit deep inside a payload is found by the scan. A payload that
    may have changed leaves its swarm at once and is compared with its hashes, one at a time; one that is again as it
    was delivered is seeded again.
    """

    def __init__(self, repository: DownloadRepository, queue: DownloadQueue, settings: Live[Config]) -> None:
        self._repository = repository
        self._queue = queue
        self._settings = settings
        self._woken = asyncio.Event()
        self._compare_soon = asyncio.Event()
        self._folders: set[Path] = set()
        self._events: set[Path] = set()
        self._next_scan = 0.0
        self._rests: dict[str, float] = {}

    def on_downloads_changed(self) -> None:
        """Find the payloads to watch or to compare again."""
        self._woken.set()
        self._compare_soon.set()

    def on_file_event(self, hint: FileEvent) -> None:
        """Check the payload of an event soon."""
        self._events.add(hint.folder / hint.entry)
        self._woken.set()

    async def run(self, watcher: Watcher) -> None:
        """Watch until cancelled."""
        ended = threading.Event()
        comparing = asyncio.create_task(self.compare_all(ended))
        watching = asyncio.create_task(self._watch(watcher))
        try:
            await asyncio.gather(comparing, watching)
        finally:
            ended.set()  # an agent that stops must not wait for hours of reading
            for task in (comparing, watching):
                task.cancel()
            await asyncio.gather(comparing, watching, return_exceptions=True)

    async def _watch(self, watcher: Watcher) -> None:
        while True:
            self._woken.clear()
            await self._look_at_payloads(watcher)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._next_scan - time.monotonic())):
                    await self._woken.wait()

    async def _look_at_payloads(self, watcher: Watcher) -> None:
        changed, self._events = self._events, set()
        is_due = time.monotonic() >= self._next_scan
        for record in [record for record in self._repository.downloads.values() if self._is_watched(record)]:
            path = Path(record.path)
            look = is_due or path.parent not in self._folders
            if look:
                # Watched before it is checked, so that no event is missed; again, as the folder may be a new one.
                self._folders.add(path.parent)
                await asyncio.to_thread(watcher.watch, path.parent, self.on_file_event, recursive=False)
            if look or not changed.isdisjoint({path, path.parent}):
                with isolate_errors(f"check “{for_display(record.name)}”"):
                    await self._check(record)
        if is_due:
            self._next_scan = time.monotonic() + self._settings.current.settle.rescan

    def _is_watched(self, record: DownloadRecord) -> bool:
        return record.step is DownloadStep.COMPLETE and (
            self._repository.is_joined(record) or self._repository.is_altered(record)
        )

    async def _check(self, record: DownloadRecord) -> None:
        condition = await asyncio.to_thread(inspect, Path(record.path), record.fingerprint)
        if condition is (Condition.CHANGED if self._repository.is_altered(record) else Condition.INTACT):
            return  # as at the last check
        if condition is Condition.DOUBTFUL and time.monotonic() < self._rests.get(record.id, 0.0):
            condition = Condition.CHANGED
        async with self._repository.lock:
            # A new generation may have replaced it meanwhile.
            if self._repository.downloads.get(record.id) is not record or not self._is_watched(record):
                return
            match condition:
                case Condition.INTACT:
                    await self._queue.resume(record)
                case Condition.DOUBTFUL:
                    await self._repository.leave_swarm(record)
                    self._repository.mark_doubtful(record)
                case Condition.CHANGED:
                    await self._stop_seeding(record)

    async def _stop_seeding(self, record: DownloadRecord) -> None:
        if self._repository.is_altered(record):
            return
        _log.info("%r is no longer seeded: its files were changed", record.name)
        await self._repository.leave_swarm(record)
        self._repository.mark_altered(record)

    async def compare_all(self, ended: threading.Event) -> None:
        """Compare payloads that may have changed, until cancelled; `ended` interrupts the reading."""
        while True:
            self._compare_soon.clear()
            for record in [
                record
                for record in self._repository.downloads.values()
                if self._repository.is_doubtful(record)
            ]:
                await self._compare(record, ended)
            await self._compare_soon.wait()

    async def _compare(self, record: DownloadRecord, ended: threading.Event) -> None:
        """Read a payload without holding the lock, and record the result, so that it is read once."""
        torrent = await self._repository.torrent(record)
        started = time.monotonic()
        found = await asyncio.to_thread(
            compare_with_torrent,
            Path(record.path),
            record.fingerprint,
            torrent,
            cancelled=ended.is_set,
            names=record.local_names,
        )
        async with self._repository.lock:
            if (
                self._repository.downloads.get(record.id) is not record
                or record.step is not DownloadStep.COMPLETE
            ):
                self._repository.clear_doubtful(record)  # a new generation has replaced it
                return
            if found is None or not found.intact:
                took = time.monotonic() - started
                self._rests[record.id] = time.monotonic() + _SHARE_OF_TIME * took
            if found is not None:
                record = await self._record(record, found)
            if found is None or not found.intact:
                await self._stop_seeding(record)
                return
            _log.info("%r is as it was delivered: it is seeded again", record.name)
            await self._queue.resume(record)

    async def _record(self, record: DownloadRecord, found: PayloadFingerprint) -> DownloadRecord:
        return await self._repository.save(replace(record, fingerprint=str(found)))
