"""Payloads that were delivered, watched for as long as they are served on.

Owns noticing that one is no longer what was delivered: its owner has edited, moved or deleted it, which is his right,
and nobody may be sent the rest as if it were the sender's. Must not touch the payload, nor decide how long it is
served.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.downloads.tray import Tray
from tuishare.agent.folders.payload import sign_payload
from tuishare.agent.folders.watcher import Hint, Watcher
from tuishare.agent.state.records import DownloadRecord, DownloadStep

_log = logging.getLogger(__name__)


class Vigil:
    """Looks at what is served whenever there is a hint, and at all of it as often as folders are scanned.

    Only the folders that payloads stand in are watched: what is edited deep inside a folder is found by the scan.
    """

    def __init__(self, context: Context, tray: Tray) -> None:
        self._context = context
        self._tray = tray
        self._woken = asyncio.Event()
        self._folders: set[Path] = set()
        self._hinted: set[Path] = set()
        self._next_scan = 0.0
        tray.entered = self._woken.set

    def take_hint(self, hint: Hint) -> None:
        """Take an event, if it is of a folder that something was delivered to."""
        if hint.folder in self._folders:
            self._hinted.add(hint.folder / hint.entry)
            self._woken.set()

    async def run(self, watcher: Watcher) -> None:
        """Watch until cancelled."""
        while True:
            self._woken.clear()
            await self._tend(watcher)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._next_scan - time.monotonic())):
                    await self._woken.wait()

    async def _tend(self, watcher: Watcher) -> None:
        hinted, self._hinted = self._hinted, set()
        is_due = time.monotonic() >= self._next_scan
        for record in [record for record in self._tray.downloads.values() if self._is_served(record)]:
            path = Path(record.path)
            look = is_due or path.parent not in self._folders
            if look:
                # Watched before it is looked at, so that nothing falls between; again, as the folder may be a new one.
                self._folders.add(path.parent)
                await asyncio.to_thread(watcher.watch, path.parent, recursive=False)
            if look or not hinted.isdisjoint({path, path.parent}):
                await self._check(record)
        if is_due:
            self._next_scan = time.monotonic() + self._context.config.settle.rescan

    def _is_served(self, record: DownloadRecord) -> bool:
        return record.step is DownloadStep.COMPLETE and self._tray.has_joined(record)

    async def _check(self, record: DownloadRecord) -> None:
        if await asyncio.to_thread(sign_payload, Path(record.path)) == record.signature:
            return
        async with self._tray.changing:
            # Meanwhile it may have made room for a new generation, which is not ours to judge.
            if self._tray.downloads.get(record.id) is record and self._is_served(record):
                _log.info("%r is served no longer: it was changed here", record.name)
                await self._tray.leave_swarm(record)
                self._tray.note_altered(record)
