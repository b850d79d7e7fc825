"""What has reached the files, and what may be said about it.

Owns flushing and resume data. libtorrent calls a torrent finished before a byte of it is written, and answers a flush
also when the writes failed (having reported that before); so success is claimed here only.
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
    """The disk's side of one engine's torrents."""

    def __init__(self, table: TorrentTable, replies: PendingRequests) -> None:
        self._table = table
        self._replies = replies

    async def flush(self, info_hash: InfoHash, patience: float) -> None:
        """Wait until everything received so far is in its files; at most `patience` seconds.

        Raises:
            SystemFailed: it could not be written, or not in time.
        """
        handle = self._table.handle(info_hash)
        await self._replies.ask(handle.flush_cache, Flushed, info_hash, patience=patience)
        entry = self._table.get(info_hash)
        if entry.failure:
            raise SystemFailed(
                f"The received data could not be written: {entry.failure}",
                hint="Check the disk, then resume the download.",
                errno=entry.failure_errno,
            )

    async def resume_data(self, info_hash: InfoHash, patience: float) -> bytes:
        """Return resume data that are not ahead of the files; each step takes at most `patience` seconds.

        Raises:
            SystemFailed: something could not be written, or there is nothing to save yet.
        """
        handle = self._table.handle(info_hash)
        # Before: blocks that are still in the cache are not in resume data.
        await self.flush(info_hash, patience)
        saved = await self._replies.ask(handle.save_resume_data, ResumeSaved, info_hash, patience=patience)
        if saved.data is None:
            raise SystemFailed("The engine has no resume data for this torrent yet", hint="Try again.")
        # After: the data count pieces that arrived meanwhile and are not written.
        await self.flush(info_hash, patience)
        return saved.data

    async def save_all(self, patience: float) -> dict[InfoHash, bytes]:
        """Pause every torrent and return the resume data of those that have some."""
        ready = self._table.admitted()
        for info_hash in ready:
            self._table.handle(info_hash).pause()
        saving = (self.resume_data(info_hash, patience) for info_hash in ready)
        saved = await asyncio.gather(*saving, return_exceptions=True)
        if failed := sum(not isinstance(data, bytes) for data in saved):
            _log.warning("no resume data for %d of %d torrents", failed, len(ready))
        return {key: data for key, data in zip(ready, saved, strict=True) if isinstance(data, bytes)}
