"""Events from the file system, turned into hints.

Owns the one watchdog observer. Its threads never touch the agent's state: every hint crosses to the event loop. Hints
may be late, doubled or lost; `tuishare.agent.folders.folder_monitor` scans for the truth.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from watchdog import events
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify import InotifyFullEmitter
from watchdog.observers.inotify_c import InotifyEvent, InotifyFD

from tuishare.agent.folders.stability import FileEventKind

_MOST_WRITTEN: Final = 16
"""Files that one hint names; if all of these are ignored, the next ones probably are."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event about one top-level entry of a watched folder.

    ``entry`` is empty when the folder itself is gone, or when events were lost: only looking at all of it helps then.
    ``written`` names files at or below the entry that were written to, as paths below the folder; of many, some.
    """

    folder: Path
    entry: str
    kind: FileEventKind
    written: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class _Watch:
    """One watched folder, and which folder that was: the name may come to stand for another one."""

    observed: ObservedWatch
    device: int
    inode: int


class Watcher:
    """Watches folders, recursively. Made on the event loop; `watch` and `unwatch` block and may run on any thread."""

    def __init__(self, notify: Callable[[FileEvent], None]) -> None:
        """Remember whom to tell; `notify` is called on the event loop's thread."""
        self._notify = notify
        self._loop = asyncio.get_running_loop()
        self._observer = _Observer(self._note_overflow)
        self._observer.start()
        self._watches: dict[Path, _Watch] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._pending: dict[tuple[Path, str], FileEvent] = {}
        self._pending_lock = threading.Lock()

    def watch(self, folder: Path, *, recursive: bool = True) -> bool:
        """Watch a folder; watching it already is fine, also when it was removed and made again since.

        Returns:
            False when the system would not (missing folder, inotify limits reached): poll instead.
        """
        with self._lock:
            if self._closed:
                return False
            try:
                status = folder.stat()
                known = self._watches.get(folder)
                if known is not None and self._holds(known, status):
                    return True
                self._forget(folder)
                observed = self._observer.schedule(
                    _Handler(folder, self._hand_over), str(folder), recursive=recursive
                )
            except OSError:
                return False
            self._watches[folder] = _Watch(observed, status.st_dev, status.st_ino)
            return True

    def unwatch(self, folder: Path) -> None:
        """Stop watching a folder, e.g. because it went away."""
        with self._lock:
            self._forget(folder)

    async def close(self) -> None:
        """Stop the threads and wait for them."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            self._observer.stop()
            self._observer.join()

    def _holds(self, known: _Watch, status: os.stat_result) -> bool:
        """Whether events still come; the inode alone cannot tell, because a new folder may get the old one's."""
        alive = any(
            emitter.watch is known.observed and emitter.should_keep_running()
            for emitter in self._observer.emitters
        )
        return alive and (known.device, known.inode) == (status.st_dev, status.st_ino)

    def _forget(self, folder: Path) -> None:
        if known := self._watches.pop(folder, None):
            self._observer.unschedule(known.observed)

    def _hand_over(self, hint: FileEvent) -> None:
        """Let the loop know; of what it has not taken yet, the last hint of each entry counts.

        Thousands of files that are written into one folder are as many events, all about one entry.
        """
        with self._pending_lock:
            is_first = not self._pending
            former = self._pending.get((hint.folder, hint.entry))
            if former is not None and len(former.written) < _MOST_WRITTEN:
                hint = replace(hint, written=hint.written | former.written)
            self._pending[hint.folder, hint.entry] = hint
        if is_first and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _note_overflow(self) -> None:
        # No lock here: whoever closes holds it, and waits for the thread that this runs on.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_of_all)

    def _tell_of_all(self) -> None:
        _log.warning("More changed at once than the system could tell of; all folders are looked at again")
        for folder in list(self._watches):
            self._notify(FileEvent(folder, "", FileEventKind.CHANGED))

    def _tell(self) -> None:
        with self._pending_lock:
            hints, self._pending = self._pending, {}
        for hint in hints.values():
            self._notify(hint)


class _Queue(InotifyFD):
    """Reads the events of the kernel, whose queue holds 16,384 of them by default; what comes then is lost."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__()
        self._overflowed = overflowed

    def handle_event(self, event: InotifyEvent) -> None:
        """Let watchdog do its part, which is to watch folders that it has not heard of; then tell ours."""
        super().handle_event(event)
        if event.is_queue_overflow:
            self._overflowed()


class _Observer(BaseObserver):
    """The observer that watchdog has for inotify, but with a queue that tells when it overflows."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        self._queue = _Queue(overflowed)
        self._queue.start()
        # Only "full" events tell a move into place from a creation that will be written to.
        super().__init__(InotifyFullEmitter, inotify_fd=self._queue)

    def on_thread_stop(self) -> None:
        """Stop the queue's thread as well."""
        super().on_thread_stop()
        self._queue.stop()
        self._queue.join()


class _Handler(events.FileSystemEventHandler):
    """Runs on the observer's thread."""

    def __init__(self, folder: Path, hand_over: Callable[[FileEvent], None]) -> None:
        self._folder = folder
        self._prefix = os.fspath(folder) + os.sep
        self._hand_over = hand_over

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        """Reduce one event to a hint for each top-level entry that it names."""
        # Synthetic events repeat, for what lies below a moved folder, what the move itself has said.
        if event.is_synthetic or isinstance(event, events.FileOpenedEvent | events.FileClosedNoWriteEvent):
            return
        if isinstance(event, events.DirDeletedEvent) and os.fsdecode(event.src_path) == str(self._folder):
            self._hand_over(FileEvent(self._folder, "", FileEventKind.CHANGED))
        arrived = isinstance(event, events.FileMovedEvent | events.DirMovedEvent)
        closed = isinstance(event, events.FileClosedEvent)
        written = closed or isinstance(event, events.FileModifiedEvent)
        self._say(os.fsdecode(event.src_path), finished=closed, written=written)
        if arrived and event.dest_path:
            self._say(os.fsdecode(event.dest_path), finished=True)

    def _say(self, path: str, *, finished: bool, written: bool = False) -> None:
        if not path.startswith(self._prefix):
            return
        name = path.removeprefix(self._prefix)
        entry, _, below = name.partition(os.sep)
        # A file that was closed inside a folder says nothing about the next file of that folder.
        kind = FileEventKind.FINISHED if finished and not below else FileEventKind.CHANGED
        self._hand_over(FileEvent(self._folder, entry, kind, frozenset([name] if written else [])))
