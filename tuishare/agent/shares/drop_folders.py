"""The entries of one drop folder: which of them count, and what is shown of those that cannot be shared.

Owns the rules of a drop folder: its ignore rules, its marker, and the refused entries. Must not decide what becomes
of an entry: `tuishare.agent.shares.admission` and `tuishare.agent.shares.commands` do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.folders.folder_monitor import Observation
from tuishare.agent.folders.ignore_rules import DEFAULTS, IGNORE_FILE, read_ignore_rules
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.entry_handler import EntryHandler
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.config.model import DropFolder
from tuishare.core.activity import ActivityKind
from tuishare.core.drop_marker import MARKER, write_marker
from tuishare.errors import TuishareError
from tuishare.torrents import Tree


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that cannot be shared as it is; `at` in Unix seconds."""

    name: str
    error: TuishareError
    at: int


class DropFolderHandler(EntryHandler):
    """Handles the entries of one drop folder.

    Attributes:
        folder: as it is configured now; its path stays the same.
        refusals: what cannot be shared as it is, by name.
    """

    def __init__(
        self, folder: DropFolder, admission: ShareAdmission, commands: ShareCommands, context: Context
    ) -> None:
        super().__init__(Path(folder.path), admission, commands, context)
        self.folder = folder
        self.patterns = folder.path
        self.refusals: dict[str, RefusedEntry] = {}

    def wants(self, entry: str) -> bool:
        """Return whether an entry is to be shared: all but our marker, the list of ignore rules, and what it names."""
        try:
            ignores = read_ignore_rules(self.path)
        except TuishareError:
            ignores = DEFAULTS  # `look` fails for the same reason, which is shown, and no entry is shared
        ours = entry in {IGNORE_FILE, MARKER}
        return not ours and not ignores((entry,), is_folder=(self.path / entry).is_dir())

    async def settled(self, path: Path, look: Observation[Tree]) -> None:
        """Share a settled entry with the users of the folder."""
        del path
        target = ShareTarget(tuple(self.folder.users), self.folder.transport, self.folder.path)
        async with self.entry_lock:
            await self._admission.accept(look.payload, target)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Show why an entry cannot be shared, and stop seeding what it was before."""
        await super().refused(path, error)
        known = self.refusals.get(path.name)
        if known is None or known.error.detail != error.detail:
            self._context.activity.note(ActivityKind.PROBLEM, path.name, error.detail)
        self.refusals[path.name] = RefusedEntry(path.name, error, self._context.now())
        self._context.changed.notify()

    def forget(self, entry: str) -> None:
        """Stop showing why an entry could not be shared."""
        if self.refusals.pop(entry, None):
            self._context.changed.notify()

    def is_ready(self, listed: Collection[str]) -> bool:
        """Return whether the folder has our marker; write it where no entry is known yet, or a known one is there.

        A folder without marker and without any known entry may be the empty place where a disk is mounted.
        """
        known = self._entries()
        if MARKER in listed or (known and known.isdisjoint(listed)):
            return MARKER in listed
        write_marker(self.path)
        return True

    async def listed(self, entries: Collection[str]) -> None:
        """Withdraw the shares of entries that were deleted while the folder was not watched."""
        async with self.entry_lock:
            await self._commands.withdraw_missing(self.path, entries)

    def _entries(self) -> set[str]:
        shares = list(self._admission.shares.values())
        return {Path(share.path).name for share in shares if share.folder == self.folder.path}
