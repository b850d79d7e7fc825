"""What a change of an entry means for its share, in drop folders and elsewhere.

Owns how a folder monitor's observations reach `tuishare.agent.shares.admission`. Must not decide which entries are
followed, nor for whom they are shared: `tuishare.agent.shares.drop_folders` and `tuishare.agent.shares.standalone` do.
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
    """Handles the entries of one folder.

    Attributes:
        path: of the folder.
        entry_lock: held while the share of an entry is being changed.
    """

    patterns = ""
    """The drop folder whose ignore rules hold, or empty."""

    def __init__(
        self, path: Path, admission: ShareAdmission, commands: ShareCommands, context: Context
    ) -> None:
        self.path = path
        self.entry_lock = asyncio.Lock()
        self._admission = admission
        self._commands = commands
        self._context = context

    def look(self, path: Path) -> Observation[Tree]:
        """Walk an entry; blocking."""
        tree = walk_payload(path, self.patterns)
        return Observation(tree_fingerprint(tree), tree.total_size, tree)

    def known(self, path: Path, fingerprint: str) -> bool:
        """Return whether an entry was accepted in this form."""
        return self._admission.knows(path, fingerprint)

    def may_hide_change(self, written: Collection[str]) -> bool:
        """Return whether one of the files that were written to is shared."""
        if not self.patterns:
            return True
        try:
            ignores = read_ignore_rules(Path(self.patterns))
        except TuishareError:
            return False  # `look` fails for the same reason
        return not all(ignores(tuple(name.split("/")), is_folder=False) for name in written)

    async def doubted(self, path: Path) -> None:
        """Compare an entry that looks unchanged with its hashes."""
        self._admission.recheck(path)

    async def changing(self, path: Path, look: Observation[Tree]) -> None:
        """Stop seeding an entry that looks different."""
        async with self.entry_lock:
            await self._admission.stop_if_changed(path, look.fingerprint)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Stop seeding an entry that can no longer be shared."""
        async with self.entry_lock:
            await self._admission.record_error(path, error)

    async def gone(self, path: Path) -> None:
        """Withdraw the share of an entry that was deleted."""
        async with self.entry_lock:
            await self._commands.withdraw(path)

    def moved(self) -> None:
        """Report that the state of the folder has changed."""
        self._context.changed.notify()
