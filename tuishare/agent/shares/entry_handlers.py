"""Handlers of folder entries: what a change of an entry means for its share, in drop folders and elsewhere.

Owns how observations of a folder monitor reach `tuishare.agent.shares.admission`; the rules of a drop folder, which are
its ignore rules, its marker and the refused entries; and which entries are standalone shares. Must not decide what
becomes of an entry: `tuishare.agent.shares.admission` and `tuishare.agent.shares.commands` do.

A standalone share is made by command, outside the drop folders. A withdrawn one is no longer monitored, because a file
that gets its name months later is not what the user shared.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.agent.events import ChangeSignal
from tuishare.agent.folders.fingerprint import (
    files_of,
    find_companion,
    ignored_paths,
    tree_fingerprint,
    walk_payload,
)
from tuishare.agent.folders.folder_monitor import FolderHandler, Observation
from tuishare.agent.folders.ignore_rules import DEFAULTS, IGNORE_FILE, read_ignore_rules
from tuishare.agent.folders.leases import is_written
from tuishare.agent.folders.temporary_names import companion_of, is_transfer
from tuishare.agent.live import Live
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.recheck import Rechecker
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config, DropFolder
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.drop_marker import MARKER, write_marker
from tuishare.core.records import ShareRecord
from tuishare.errors import TuishareError
from tuishare.sanitize import for_display
from tuishare.torrents import Tree

_EMPTY: Final = "It is empty; it is shared as soon as it has content"
_OPEN: Final = "as it is: a program has it open for writing, but has not changed it for a long time"


@dataclass(frozen=True, slots=True)
class HandlerNeeds:
    """The parts that every handler of entries works with."""

    admission: ShareAdmission
    commands: ShareCommands
    rechecker: Rechecker
    settings: Live[Config]
    activity: ActivityLog
    changed: ChangeSignal
    clock: Clock


class EntryHandler(FolderHandler[Tree]):
    """Handles the entries of one folder.

    Attributes:
        path: of the folder.
        entry_lock: held while the share of an entry is being changed.
    """

    patterns = ""
    """The drop folder whose ignore rules hold, or empty."""

    def __init__(self, path: Path, needs: HandlerNeeds) -> None:
        self.path = path
        self._needs = needs
        self.entry_lock = asyncio.Lock()
        self._admission = needs.admission
        self._commands = needs.commands

    def look(self, path: Path) -> Observation[Tree]:
        """Walk an entry; blocking. An empty file holds the name of a download, or is about to be filled: it waits."""
        if _is_empty_file(path):
            nothing = Tree(path, path.name, is_folder=False, files=(), skipped=())
            return Observation("empty", 0, nothing, obstacle=_EMPTY)
        tree = walk_payload(path, self.patterns)
        companion = find_companion(tree)
        obstacle = f"It is not complete while “{for_display(companion.name)}” is there" if companion else ""
        unfinished = tuple(
            tree.root.joinpath(*parts) for parts in ignored_paths(tree) if is_transfer(parts[-1])
        )
        return Observation(tree_fingerprint(tree), tree.total_size, tree, unfinished, obstacle)

    def companion_of(self, entry: str) -> str:
        """Return the entry of which another one says that it is not complete."""
        return companion_of(entry)

    def is_being_written(self, path: Path, look: Observation[Tree]) -> bool:
        """Return whether a program has a file of an entry open for writing; blocking."""
        del path
        return is_written([*files_of(look.payload), *filter(Path.is_file, look.unfinished)])

    async def taken_open(self, path: Path) -> None:
        """Report that an entry is shared although it may be incomplete."""
        self._needs.activity.note(ActivityKind.SHARED, path.name, _OPEN)

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

    async def seen(self, path: Path, look: Observation[Tree]) -> None:
        """Keep what is said to be left out of a share up to date."""
        await self._admission.update_left_out(path, look.fingerprint, look.payload)

    async def doubted(self, path: Path) -> None:
        """Compare an entry that looks unchanged with its hashes."""
        self._needs.rechecker.request(path)

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
        self._needs.changed.notify()


def _is_empty_file(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False  # the walk says why
    return stat.S_ISREG(status.st_mode) and not status.st_size


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

    def __init__(self, folder: DropFolder, needs: HandlerNeeds) -> None:
        super().__init__(Path(folder.path), needs)
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

    def has_rules(self, entry: str) -> bool:
        """Return whether an entry is the list of ignore rules."""
        return entry == IGNORE_FILE

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
            self._needs.activity.note(ActivityKind.PROBLEM, path.name, error.detail)
        self.refusals[path.name] = RefusedEntry(path.name, error, self._needs.clock.now())
        self._needs.changed.notify()

    def forget(self, entry: str) -> None:
        """Stop showing why an entry could not be shared."""
        if self.refusals.pop(entry, None):
            self._needs.changed.notify()

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
        return {os.path.basename(share.path) for share in shares if share.folder == self.folder.path}


def is_followed(share: ShareRecord) -> bool:
    """Return whether a share lies outside the drop folders and follows its payload."""
    return not share.folder and not share.step.has_ended


def find_folders(shares: Iterable[ShareRecord]) -> set[Path]:
    """Return the folders in which such shares lie."""
    return set(map(Path, {os.path.dirname(share.path) for share in shares if is_followed(share)}))


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
        await asyncio.sleep(self._needs.settings.current.settle.quiet)
        await self._withdraw_if_gone(path)

    def is_ready(self, listed: Collection[str]) -> bool:
        """Return whether the folder is the one of the shares, and not the empty place where its disk is not mounted."""
        device = os.stat(self.path).st_dev
        if any(self.wants(entry) for entry in listed):
            self._device = device
        return bool(listed) if self._device is None else self._device == device

    async def listed(self, entries: Collection[str]) -> None:
        """Withdraw the shares that were deleted while the folder was not watched."""
        names = frozenset(entries)
        for share in self._admission.in_folder(self.path):
            path = Path(share.path)
            if is_followed(share) and path.name not in names:
                await self._withdraw_if_gone(path)

    async def _withdraw_if_gone(self, path: Path) -> None:
        async with self.entry_lock:
            if not await asyncio.to_thread(os.path.lexists, path):
                await self._commands.withdraw(path)
