"""Entries that are shared: what following them means, wherever they lie.

Owns what a followed entry is to the share that it is. Must not know which entries are followed, nor for whom: that
tell `tuishare.agent.shares.sharing` and `tuishare.agent.shares.standalone`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.folders.fingerprint import tree_fingerprint, walk_payload
from tuishare.agent.folders.folder_monitor import FolderHandler, Observation
from tuishare.agent.folders.ignore_rules import read_ignore_rules
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.commands import ShareCommands
from tuishare.errors import TuishareError
from tuishare.torrents import Tree


class EntryHandler(FolderHandler[Tree]):
    """What the entries of one folder are for.

    Attributes:
        path: of the folder.
        entry_lock: held while the share of an entry is being changed.
    """

    patterns = ""
    """The drop folder whose ignore patterns hold, or empty."""

    def __init__(
        self, path: Path, admission: ShareAdmission, commands: ShareCommands, context: Context
    ) -> None:
        self.path = path
        self.entry_lock = asyncio.Lock()
        self._admission = admission
        self._commands = commands
        self._context = context

    def look(self, path: Path) -> Observation[Tree]:
        """Walk the entry."""
        tree = walk_payload(path, self.patterns)
        return Observation(tree_fingerprint(tree), tree.total_size, tree)

    def known(self, path: Path, fingerprint: str) -> bool:
        """Whether it is a share in this form already."""
        return self._admission.knows(path, fingerprint)

    def may_hide_change(self, written: Collection[str]) -> bool:
        """Whether one of the files that were written to is shared."""
        if not self.patterns:
            return True
        try:
            ignoring = read_ignore_rules(Path(self.patterns))
        except TuishareError:
            return False  # the look fails for the same reason
        return not all(ignoring(tuple(name.split("/")), is_folder=False) for name in written)

    async def doubted(self, path: Path) -> None:
        """Have it read again, although it seems to be what was hashed."""
        self._admission.recheck(path)

    async def changing(self, path: Path, look: Observation[Tree]) -> None:
        """Serve no longer what is not what it was."""
        async with self.entry_lock:
            await self._admission.stop_if_changed(path, look.fingerprint)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Serve no longer what cannot be shared any more."""
        async with self.entry_lock:
            await self._admission.record_error(path, error)

    async def gone(self, path: Path) -> None:
        """Withdraw what was deleted."""
        async with self.entry_lock:
            await self._commands.withdraw(path)

    def moved(self) -> None:
        """Show that the folder came or went."""
        self._context.changed.notify()
