"""Monitors one folder: file events and scans go in, settled entries come out.

Owns the loop that shares and downloads have in common. Events make it fast, scans make it correct. A missing folder is
a state and never means that its entries were deleted. Must not know what an entry is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from tuishare.agent.error_isolation import explain, isolate_errors
from tuishare.agent.folders.stability import FileEventKind, StabilityTracker, Unsettled
from tuishare.agent.folders.watcher import FileEvent, Watcher
from tuishare.config.model import SettleSettings
from tuishare.core.folder_state import FolderState, PollReason
from tuishare.core.sqlite_errors import DamagedDatabase
from tuishare.errors import NotFound, SystemFailed, TooManyOpen, TuishareError
from tuishare.net.descriptors import EXHAUSTED_SECONDS
from tuishare.sanitize import for_display

_WRITTEN: Final = "A program still has it open for writing"
_PAUSES: Final = 4
"""How much longer the pause between two scans of a polled folder is than the scan, at least."""
_log = logging.getLogger(__name__)
_Payload = TypeVar("_Payload")


@dataclass(frozen=True, slots=True)
class Observation(Generic[_Payload]):
    """One look at an entry.

    Attributes:
        fingerprint: equal for two observations exactly when nothing changed between them.
        size: bytes.
        payload: data for `FolderHandler.settled`.
        unfinished: files that are no part of it, but are to become one: it is not complete while these are written.
        obstacle: why it is not complete, however long nothing changes, in a sentence; empty without a reason.
    """

    fingerprint: str
    size: int
    payload: _Payload
    unfinished: tuple[Path, ...] = ()
    obstacle: str = ""


class FolderHandler(ABC, Generic[_Payload]):
    """Handles the entries of a monitored folder. Methods that not every handler needs do nothing by default."""

    @abstractmethod
    def wants(self, entry: str) -> bool:
        """Return whether an entry with this name is to be monitored; may block, so a scan calls it on a thread."""

    @abstractmethod
    def look(self, path: Path) -> Observation[_Payload]:
        """Observe an entry; called on a thread.

        Raises:
            NotFound: the entry is gone.
            TuishareError: the entry cannot be accepted as it is.
        """

    @abstractmethod
    def known(self, path: Path, fingerprint: str) -> bool:
        """Return whether the entry was handled with this fingerprint."""

    @abstractmethod
    async def settled(self, path: Path, look: Observation[_Payload], /) -> None:
        """Handle an entry that is complete.

        Raises:
            TooManyOpen: the entry could not be read; it is handed in again in a while.
        """

    @abstractmethod
    async def refused(self, path: Path, error: TuishareError) -> None:
        """Handle an entry that cannot be observed; it is observed again when it changes."""

    @abstractmethod
    def forget(self, entry: str) -> None:
        """Discard what is known of an entry, because the entry or its error is gone."""

    @abstractmethod
    def moved(self) -> None:
        """Report that the state of the folder has changed."""

    def has_rules(self, entry: str) -> bool:
        """Return whether an entry, not monitored itself, has the rules of the folder: its change needs a scan."""
        del entry
        return False

    def may_hide_change(self, written: Collection[str]) -> bool:
        """Return whether a write to one of these files (paths below the folder) may leave the fingerprint unchanged."""
        del written
        return False

    def companion_of(self, entry: str) -> str:
        """Return the entry that is not complete while another one, not monitored itself, is beside it."""
        del entry
        return ""

    def is_being_written(self, path: Path, look: Observation[_Payload], /) -> bool:
        """Return whether a program has an entry open for writing; called on a thread, for a quiet entry."""
        del path, look
        return False

    async def taken_open(self, path: Path) -> None:
        """Handle an entry that settles although a program has had it open for writing for too long."""

    async def seen(self, path: Path, look: Observation[_Payload], /) -> None:
        """Handle another look at an entry that was handled with this fingerprint: for what that leaves out."""

    async def doubted(self, path: Path) -> None:
        """Handle an entry that was written to and has settled with a known fingerprint; see `may_hide_change`."""

    def is_ready(self, listed: Collection[str]) -> bool:
        """Return whether this is the folder itself and not an empty mount point; called on a thread."""
        del listed
        return True

    async def changing(self, path: Path, look: Observation[_Payload], /) -> None:
        """Handle an entry that has a new fingerprint and may be incomplete."""

    async def gone(self, path: Path) -> None:
        """Handle an entry that is gone while its folder is still there."""

    async def listed(self, entries: Collection[str]) -> None:
        """Handle the list of all entries, after each scan."""


class FolderMonitor(Generic[_Payload]):
    """Monitors one folder."""

    def __init__(
        self,
        folder: Path,
        settle: SettleSettings,
        handler: FolderHandler[_Payload],
        *,
        recursive: bool = True,
    ) -> None:
        """Monitor `folder`; without `recursive`, changes below an entry are found by scans only."""
        self.folder = folder
        self._recursive = recursive
        self.state = FolderState.MISSING
        self.poll_reason: PollReason | None = None
        """Why `state` is `FolderState.POLLING`."""
        self._settle = settle
        self.handler = handler
        self._tracker = StabilityTracker(settle)
        self._woken = asyncio.Event()
        self._next_scan = 0.0
        self._faults: dict[str, str] = {}
        self._written: set[str] = set()
        self._failed: dict[str, str] = {}
        """By entry, the fingerprint with which handling it failed unexpectedly; it is not retried with that one."""
        self._present: set[str] = set()

    @property
    def unsettled(self) -> tuple[Unsettled, ...]:
        """The entries that have not settled yet."""
        return self._tracker.unsettled()

    def on_file_event(self, hint: FileEvent) -> None:
        """Handle an event of this folder; an event without an entry concerns the folder itself."""
        if not hint.entry:
            self.scan_soon()
        elif self._wants(hint.entry):
            self._tracker.hint(hint.entry, hint.kind, time.monotonic())
            if hint.written and self.handler.may_hide_change(hint.written):
                self._written.add(hint.entry)
            self._woken.set()
        elif self.handler.has_rules(hint.entry):
            self.scan_soon()
        elif self._tracker.is_tracked(other := self.handler.companion_of(hint.entry)):
            self.rescan(other)
        self.handler.moved()

    def rescan(self, entry: str) -> None:
        """Treat an entry as changed, for instance because it changed while it was read."""
        self._tracker.hint(entry, FileEventKind.CHANGED, time.monotonic())
        self._woken.set()

    def rescan_path(self, path: Path) -> None:
        """Treat the entry at a path as changed, if it is one of this folder."""
        if path.parent == self.folder:
            self.rescan(path.name)

    def rescan_later(self, entry: str) -> None:
        """Observe an entry again in a while: it could not be read because too many files were open."""
        asyncio.get_running_loop().call_later(EXHAUSTED_SECONDS, self.rescan, entry)

    def scan_soon(self) -> None:
        """Scan soon, for instance because the settings have changed."""
        self._failed.clear()
        self._next_scan = 0.0
        self._woken.set()

    async def unwatch(self, watcher: Watcher) -> None:
        """Receive no more events of the folder."""
        await asyncio.to_thread(watcher.unwatch, self.folder, self.on_file_event)

    async def run(self, watcher: Watcher) -> None:
        """Monitor the folder until cancelled."""
        while True:
            if time.monotonic() >= self._next_scan:
                await self._scan(watcher)
            for entry in self._tracker.due(time.monotonic()):
                await self._visit(entry)
            await self._sleep()

    async def _sleep(self) -> None:
        due = self._tracker.next_due()
        until = self._next_scan if due is None else min(due, self._next_scan)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._woken.wait()
        self._woken.clear()

    async def _scan(self, watcher: Watcher) -> None:
        """Watch the folder, then list it, so that no change is missed; compare all entries with what is known."""
        self._next_scan = math.inf  # until this scan ends, or another is requested
        began = time.monotonic()
        try:
            poll_reason = await asyncio.to_thread(
                watcher.watch, self.folder, self.on_file_event, recursive=self._recursive
            )
            wanted = await asyncio.to_thread(self._list_wanted)
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._next_scan = min(self._next_scan, time.monotonic() + EXHAUSTED_SECONDS)
                return
            await self.unwatch(watcher)
            self._enter(FolderState.MISSING)
        else:
            self._enter(FolderState.POLLING if poll_reason else FolderState.WATCHING, poll_reason)
            await self._reconcile(wanted)
        # Without events, changes are found by scans only; those of a large or slow folder must not be all that is done.
        lasted = time.monotonic() - began
        polled = max(self._settle.quiet, min(_PAUSES * lasted, self._settle.rescan))
        pause = self._settle.rescan if self.state is FolderState.WATCHING else polled
        self._next_scan = min(self._next_scan, time.monotonic() + pause)

    def _wants(self, entry: str) -> bool:
        """Return whether an entry is monitored; if that is unknown, it is, so that its error is shown."""
        try:
            return self.handler.wants(entry)
        except Exception as error:  # noqa: BLE001 — whatever it is, the other entries go on
            _log.debug("Cannot decide whether an entry of %s is monitored", self.folder, exc_info=error)
            return True

    def _list(self) -> list[str]:
        """List the folder.

        Raises:
            OSError: it is missing, or an empty mount point.
        """
        listed = os.listdir(self.folder)
        if not self.handler.is_ready(listed):
            raise FileNotFoundError(self.folder)
        return listed

    def _list_wanted(self) -> list[str]:
        return [entry for entry in self._list() if self._wants(entry)]

    def _is_here(self) -> bool:
        try:
            self._list()
        except OSError:
            return False
        return True

    async def _reconcile(self, entries: list[str]) -> None:
        for entry in self._present.difference(entries):
            self._drop(entry)
        self._present.update(entries)
        await self.handler.listed(entries)
        for entry in entries:
            await self._compare(entry)

    def _enter(self, state: FolderState, poll_reason: PollReason | None = None) -> None:
        if (state, poll_reason) != (self.state, self.poll_reason):
            _log.info("Folder %s: %s", self.folder, " ".join(filter(None, [state.value, poll_reason])))
            self.state, self.poll_reason = state, poll_reason
            self.handler.moved()

    def _drop(self, entry: str) -> None:
        self._tracker.drop(entry)
        self._written.discard(entry)
        self._faults.pop(entry, None)
        self._failed.pop(entry, None)
        self._present.discard(entry)
        self.handler.forget(entry)

    async def _compare(self, entry: str) -> None:
        path = self.folder / entry
        try:
            look = await asyncio.to_thread(self.handler.look, path)
            known = self._is_known(path, look)
        except TooManyOpen:
            known = False  # its fingerprint is unknown, so it is observed again
        except Exception as error:  # noqa: BLE001 — whatever it is, it concerns this entry only
            known = self._faults.get(entry) == explain(error, _looking_at(entry)).detail
        else:
            if entry not in self._failed:
                self._heal(entry)
            if known:
                with isolate_errors(_looking_at(entry)):
                    await self.handler.seen(path, look)
        if not known:
            self._tracker.notice(entry, time.monotonic())

    async def _visit(self, entry: str) -> None:
        path = self.folder / entry
        self._present.add(entry)
        started = time.monotonic()
        try:
            look = await asyncio.to_thread(self.handler.look, path)
        except NotFound:
            self._drop(entry)
            if self.state is not FolderState.MISSING and await asyncio.to_thread(self._is_here):
                with isolate_errors(f"handle the removal of “{for_display(entry)}”"):
                    await self.handler.gone(path)
            return
        except TooManyOpen:
            self.rescan_later(entry)
            return
        except Exception as error:  # noqa: BLE001 — likewise
            await self._settle_fault(path, entry, explain(error, _looking_at(entry)), started)
            return
        try:
            await self._take(path, entry, look, started)
        except TooManyOpen:
            self.rescan_later(entry)
        except (SystemFailed, DamagedDatabase):
            raise
        except Exception as error:  # noqa: BLE001 — likewise
            self._failed[entry] = look.fingerprint
            await self._note_fault(path, entry, explain(error, f"take “{for_display(entry)}”"))

    def _is_known(self, path: Path, look: Observation[_Payload]) -> bool:
        """Return whether an entry was handled with this fingerprint, also if that has failed."""
        return self._failed.get(path.name) == look.fingerprint or self.handler.known(path, look.fingerprint)

    async def _take(self, path: Path, entry: str, look: Observation[_Payload], started: float) -> None:
        known = self._is_known(path, look)
        if not known:
            await self.handler.changing(path, look)
        if not self._tracker.walked(entry, look.fingerprint, look.size, started, time.monotonic()):
            return
        if not known and (obstacle := await self._find_obstacle(path, entry, look)):
            self._tracker.hold(entry, obstacle, time.monotonic())
            self.handler.moved()
            return
        if not self._tracker.settle(entry, time.monotonic()):
            return
        if not known:
            self._failed.pop(entry, None)
        if entry not in self._failed:
            self._heal(entry)
        was_written = entry in self._written
        self._written.discard(entry)
        # A late event, or one that changed nothing, must not have the same entry handled twice.
        if not known:
            await self.handler.settled(path, look)
            return
        await self.handler.seen(path, look)
        if was_written:
            await self.handler.doubted(path)

    async def _find_obstacle(self, path: Path, entry: str, look: Observation[_Payload]) -> str:
        """Return why a quiet entry is not complete, in a sentence; empty if it is to be taken as it is."""
        if look.obstacle:
            return look.obstacle
        if not await asyncio.to_thread(self.handler.is_being_written, path, look):
            return ""
        if not self._tracker.is_overdue(entry, time.monotonic()):
            return _WRITTEN
        await self.handler.taken_open(path)
        return ""

    def _heal(self, entry: str) -> None:
        if self._faults.pop(entry, None) is not None:
            self.handler.forget(entry)

    async def _settle_fault(self, path: Path, entry: str, error: TuishareError, started: float) -> None:
        """Let an error settle like content: a folder that is empty now may be filled in a moment."""
        quiet = self._tracker.walked(entry, f"fault: {error.detail}", 0, started, time.monotonic())
        if quiet and self._tracker.settle(entry, time.monotonic()):
            await self._note_fault(path, entry, error)

    async def _note_fault(self, path: Path, entry: str, error: TuishareError) -> None:
        _log.warning("%s", error.detail)
        self._faults[entry] = error.detail
        with isolate_errors(f"refuse “{for_display(entry)}”"):
            await self.handler.refused(path, error)


def _looking_at(entry: str) -> str:
    return f"look at “{for_display(entry)}”"
