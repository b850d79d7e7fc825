"""Events of the file system, passed to the event loop.

Owns the only watchdog observer. Its threads never touch the agent's state: every event is handed to the event loop.
Events may be late, duplicated or lost; the scans of `tuishare.agent.folders.folder_monitor` make up for that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from watchdog import events
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify import InotifyFullEmitter
from watchdog.observers.inotify_c import InotifyEvent, InotifyFD

from tuishare.agent.folders.stability import FileEventKind

_MOST_WRITTEN: Final = 16
"""Files that one event names; if all of these are ignored, the next ones probably are."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event about one top-level entry of a watched folder.

    ``entry`` is empty when the folder itself is gone, or when events were lost: the whole folder is to be scanned then.
    ``written`` names files at or below the entry that were written to, as paths below the folder; some of many.
    """

    folder: Path
    entry: str
    kind: FileEventKind
    written: frozenset[str] = field(default=frozenset(), compare=False)


Notify: TypeAlias = Callable[[FileEvent], None]


@dataclass(frozen=True, slots=True)
class _Watch:
    """One watched folder; device and inode identify it, because another folder may get its path."""

    observed: ObservedWatch
    device: int
    inode: int


class Watcher:
    """Watches folders, recursively. Made on the event loop; `watch` and `unwatch` block and may run on any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._observer = _Observer(self._note_overflow)
        self._observer.start()
        self._watches: dict[Path, _Watch] = {}
        self._subscribers: dict[Path, tuple[Notify, ...]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._pending: dict[tuple[Path, str], FileEvent] = {}
        self._pending_lock = threading.Lock()

    def watch(self, folder: Path, notify: Notify, *, recursive: bool = True) -> bool:
        """Watch a folder; idempotent, also after the folder was removed and created again.

        Args:
            folder: several callers may watch it.
            notify: called with each event of the folder, on the thread of the event loop.
            recursive: whether changes below its entries are reported.

        Returns:
            False if it cannot be watched (missing folder, inotify limits reached): poll instead.
        """
        with self._lock:
            if self._closed:
                return False
            try:
                status = folder.stat()
                known = self._watches.get(folder)
                if known is not None and self._holds(known, status):
                    self._subscribe(folder, notify)
                    return True
                self._forget(folder)
                observed = self._observer.schedule(
                    _FolderEvents(folder, self._hand_over), str(folder), recursive=recursive
                )
            except OSError:
                return False
            self._watches[folder] = _Watch(observed, status.st_dev, status.st_ino)
            self._subscribe(folder, notify)
            return True

    def unwatch(self, folder: Path, notify: Notify) -> None:
        """Stop watching a folder for one caller, for instance because it is gone."""
        with self._lock:
            others = tuple(other for other in self._subscribers.get(folder, ()) if other != notify)
            if others:
                self._subscribers[folder] = others
            else:
                self._subscribers.pop(folder, None)
                self._forget(folder)

    def _subscribe(self, folder: Path, notify: Notify) -> None:
        known = self._subscribers.get(folder, ())
        if notify not in known:
            self._subscribers[folder] = (*known, notify)

    async def close(self) -> None:
        """Stop the threads and wait for them."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            self._observer.stop()
            self._observer.join()

    def _holds(self, known: _Watch, status: os.stat_result) -> bool:
        """Return whether events still arrive; a new folder may get the old inode, so that alone does not show it."""
        alive = any(
            emitter.watch is known.observed and emitter.should_keep_running()
            for emitter in self._observer.emitters
        )
        return alive and (known.device, known.inode) == (status.st_dev, status.st_ino)

    def _forget(self, folder: Path) -> None:
        if known := self._watches.pop(folder, None):
            self._observer.unschedule(known.observed)

    def _hand_over(self, hint: FileEvent) -> None:
        """Hand an event to the event loop; until the loop takes it, later events of the same entry are merged with it.

        Thousands of files written into one folder are as many events about one entry.
        """
        with self._pending_lock:
            is_first = not self._pending
            former = self._pending.get((hint.folder, hint.entry))
            if former is not None and len(former.written) < _MOST_WRITTEN:
                hint = replace(hint, written=hint.written | former.written)
            self._pending[hint.folder, hint.entry] = hint
        if is_first and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._notify_of_pending)

    def _note_overflow(self) -> None:
        # No lock here: `_close` holds it while it waits for the thread that this runs on.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._notify_of_all)

    def _notify_of_all(self) -> None:
        _log.warning("Too many changes at once, so file events were lost; all folders are scanned again")
        for folder in list(self._watches):
            self._notify(FileEvent(folder, "", FileEventKind.CHANGED))

    def _notify(self, event: FileEvent) -> None:
        for notify in self._subscribers.get(event.folder, ()):
            notify(event)

    def _notify_of_pending(self) -> None:
        with self._pending_lock:
            hints, self._pending = self._pending, {}
        for hint in hints.values():
            self._notify(hint)


class _Queue(InotifyFD):
    """Reads the events of the kernel, whose queue holds 16,384 of them by default; any more are lost."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__()
        self._overflowed = overflowed

    def handle_event(self, event: InotifyEvent) -> None:
        """Let watchdog handle an event, which watches new folders; then report an overflow of the queue."""
        super().handle_event(event)
        if event.is_queue_overflow:
            self._overflowed()


class _Observer(BaseObserver):
    """The inotify observer of watchdog, with a queue that reports its overflow."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        self._queue = _Queue(overflowed)
        self._queue.start()
        # Only "full" events distinguish a move into place from a new file that will be written to.
        super().__init__(InotifyFullEmitter, inotify_fd=self._queue)

    def on_thread_stop(self) -> None:
        """Stop the queue's thread as well."""
        super().on_thread_stop()
        self._queue.stop()
        self._queue.join()


class _FolderEvents(events.FileSystemEventHandler):
    """Converts the events of one folder; runs on the observer's thread."""

    def __init__(self, folder: Path, hand_over: Callable[[FileEvent], None]) -> None:
        self._folder = folder
        self._prefix = os.fspath(folder) + os.sep
        self._hand_over = hand_over

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        """Convert one event into an event for each top-level entry that it names."""
        # Synthetic events repeat, for everything below a moved folder, the move itself.
        if event.is_synthetic or isinstance(event, events.FileOpenedEvent | events.FileClosedNoWriteEvent):
            return
        if isinstance(event, events.DirDeletedEvent) and os.fsdecode(event.src_path) == str(self._folder):
            self._hand_over(FileEvent(self._folder, "", FileEventKind.CHANGED))
        arrived = isinstance(event, events.FileMovedEvent | events.DirMovedEvent)
        closed = isinstance(event, events.FileClosedEvent)
        written = closed or isinstance(event, events.FileModifiedEvent)
        self._report(os.fsdecode(event.src_path), finished=closed, written=written)
        if arrived and event.dest_path:
            self._report(os.fsdecode(event.dest_path), finished=True)

    def _report(self, path: str, *, finished: bool, written: bool = False) -> None:
        if not path.startswith(self._prefix):
            return
        name = path.removeprefix(self._prefix)
        entry, _, below = name.partition(os.sep)
        # After a file inside a folder was closed, the next file of that folder may follow.
        kind = FileEventKind.FINISHED if finished and not below else FileEventKind.CHANGED
        self._hand_over(FileEvent(self._folder, entry, kind, frozenset([name] if written else [])))
