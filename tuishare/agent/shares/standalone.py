"""Shares that were made by command, outside the drop folders: followed where they lie.

Owns which of the entries beside them count: none. What was withdrawn is not followed any more, because another thing
that comes to have its name, months later, is not what its owner shared.
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
    """Whether a share is one that lies outside the drop folders and is to follow its payload."""
    return not share.folder and not share.step.has_ended


def find_folders(shares: Iterable[ShareRecord]) -> set[Path]:
    """The folders in which such shares lie."""
    return {Path(share.path).parent for share in shares if is_followed(share)}


class StandaloneHandler(EntryHandler):
    """What such shares in one folder are followed for."""

    _device: int | None = None

    def wants(self, entry: str) -> bool:
        """Only what was shared."""
        share = self._admission.find(self.path / entry)
        return share is not None and is_followed(share)

    async def settled(self, path: Path, look: Observation[Tree]) -> None:
        """Make the next generation, for whom it was shared before."""
        async with self.entry_lock:
            share = self._admission.find(path)
            if share is not None and is_followed(share):
                audience = ShareTarget(
                    share.recipients, share.transport, note=share.note, not_after=share.not_after
                )
                await self._admission.accept(look.payload, audience)

    def forget(self, entry: str) -> None:
        """There is nothing that was noted."""

    async def gone(self, path: Path) -> None:
        """Withdraw what was deleted; some editors move a file away before they write the new one."""
        async with self.entry_lock:
            await self._admission.stop_if_changed(path, "")
        await asyncio.sleep(self._context.config.settle.quiet)
        await self._withdraw_if_gone(path)

    def is_ready(self, listed: Collection[str]) -> bool:
        """Tell a folder whose entries were deleted from the empty place where their disk is not mounted."""
        device = os.stat(self.path).st_dev
        if any(self.wants(entry) for entry in listed):
            self._device = device
        return bool(listed) if self._device is None else self._device == device

    async def listed(self, entries: Collection[str]) -> None:
        """Withdraw what was deleted while nobody watched."""
        for share in list(self._admission.shares.values()):
            path = Path(share.path)
            if path.parent == self.path and is_followed(share) and path.name not in entries:
                await self._withdraw_if_gone(path)

    async def _withdraw_if_gone(self, path: Path) -> None:
        async with self.entry_lock:
            if not await asyncio.to_thread(os.path.lexists, path):
                await self._commands.withdraw(path)
