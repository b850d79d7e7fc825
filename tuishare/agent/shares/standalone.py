"""Standalone shares: made by command, outside the drop folders, and followed where they lie.

Owns which entries of a folder are followed: the shared ones alone. A withdrawn share is no longer followed, because a
file that gets its name months later is not what the user shared. Must not decide what becomes of an entry.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from tuishare.agent.folders.folder_monitor import Observation
from tuishare.agent.shares.entry_handler import EntryHandler
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.core.records import ShareRecord
from tuishare.torrents import Tree


def is_followed(share: ShareRecord) -> bool:
    """Return whether a share lies outside the drop folders and follows its payload."""
    return not share.folder and not share.step.has_ended


def find_folders(shares: Iterable[ShareRecord]) -> set[Path]:
    """Return the folders in which such shares lie."""
    return {Path(share.path).parent for share in shares if is_followed(share)}


class StandaloneHandler(EntryHandler):
    """Handles the standalone shares in one folder."""

    _device: int | None = None

    def wants(self, entry: str) -> bool:
        """Return whether an entry is a standalone share."""
        share = self._admission.find(self.path / entry)
        return share is not None and is_followed(share)

    async def settled(self, path: Path, look: Observation[Tree]) -> None:
        """Share the entry again, with the same users."""
        async with self.entry_lock:
            share = self._admission.find(path)
            if share is not None and is_followed(share):
                target = ShareTarget(
                    share.recipients, share.transport, note=share.note, not_after=share.not_after
                )
                await self._admission.accept(look.payload, target)

    def forget(self, entry: str) -> None:
        """Do nothing: standalone shares keep no state of single entries."""

    async def gone(self, path: Path) -> None:
        """Withdraw an entry that stays away: some editors move a file away before they write the new one."""
        async with self.entry_lock:
            await self._admission.stop_if_changed(path, "")
        await asyncio.sleep(self._context.settings.current.settle.quiet)
        await self._withdraw_if_gone(path)

    def is_ready(self, listed: Collection[str]) -> bool:
        """Return whether the folder is the one of the shares, and not the empty place where its disk is not mounted."""
        device = os.stat(self.path).st_dev
        if any(self.wants(entry) for entry in listed):
            self._device = device
        return bool(listed) if self._device is None else self._device == device

    async def listed(self, entries: Collection[str]) -> None:
        """Withdraw the shares that were deleted while the folder was not watched."""
        for share in list(self._admission.shares.values()):
            path = Path(share.path)
            if path.parent == self.path and is_followed(share) and path.name not in entries:
                await self._withdraw_if_gone(path)

    async def _withdraw_if_gone(self, path: Path) -> None:
        async with self.entry_lock:
            if not await asyncio.to_thread(os.path.lexists, path):
                await self._commands.withdraw(path)
