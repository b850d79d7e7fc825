"""Flushing of received data to the files, and resume data.

Owns the decision that data is written. libtorrent reports a torrent as finished before its data is written, and
answers a flush even if writes failed (it reports that before), so only this module reports success.
"""

from __future__ import annotations

import asyncio
import logging

from tuishare.errors import SystemFailed
from tuishare.swarm.alerts import Flushed, ResumeSaved
from tuishare.swarm.pending_requests import PendingRequests
from tuishare.swarm.torrent_table import TorrentTable
from tuishare.torrents import InfoHash

_log = logging.getLogger(__name__)


class Storage:
    """Flushes and saves the torrents of one engine."""

    def __init__(self, table: TorrentTable, requests: PendingRequests) -> None:
        self._table = table
        self._requests = requests

    async def flush(self, info_hash: InfoHash, seconds: float) -> None:
        """Wait until all data received so far is written, at most that many seconds.

        Raises:
            SystemFailed: it could not be written, or not in time.
        """
        handle = self._table.handle(info_hash)
        await self._requests.request(handle.flush_cache, Flushed, info_hash, seconds=seconds)
        entry = self._table.get(info_hash)
        if entry.failure:
            raise SystemFailed(
                f"The received data could not be written: {entry.failure}",
                hint="Check the disk, then resume the download.",
                errno=entry.failure_errno,
            )

    async def resume_data(self, info_hash: InfoHash, seconds: float) -> bytes:
        """Return resume data that is not ahead of the files; each step takes at most that many seconds.

        Raises:
            SystemFailed: data could not be written, or there is no resume data yet.
        """
        handle = self._table.handle(info_hash)
        # Before: resume data does not include blocks in the cache.
        await self.flush(info_hash, seconds)
        saved = await self._requests.request(handle.save_resume_data, ResumeSaved, info_hash, seconds=seconds)
        if saved.data is None:
            raise SystemFailed("The engine has no resume data for this torrent yet", hint="Try again.")
        # After: the resume data includes pieces received in the meantime, which are not written.
        await self.flush(info_hash, seconds)
        return saved.data

    async def save_all(self, seconds: float) -> dict[InfoHash, bytes]:
        """Pause every torrent and return the resume data of those that have some."""
        ready = self._table.admitted()
        for info_hash in ready:
            self._table.handle(info_hash).pause()
        saving = (self.resume_data(info_hash, seconds) for info_hash in ready)
        saved = await asyncio.gather(*saving, return_exceptions=True)
        if failed := sum(not isinstance(data, bytes) for data in saved):
            _log.warning("no resume data for %d of %d torrents", failed, len(ready))
        return {key: data for key, data in zip(ready, saved, strict=True) if isinstance(data, bytes)}
