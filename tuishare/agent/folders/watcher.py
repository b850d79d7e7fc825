"""Events of the file system, passed to the event loop.

Owns the only watchdog observer. Its threads never touch the agent's state: every event is handed to the event loop.
Events may be late, duplicated or lost; the scans of `tuishare.agent.folders.folder_monitor` make up for that.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from watchdog import events
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.inotify import InotifyFullEmitter, InotifyWatchGroup
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

from tuishare.agent.folders.mounts import MountView, view_mounts
from tuishare.agent.folders.stability import FileEventKind
from tuishare.core.folder_state import PollReason
from tuishare.sanitize import for_display

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
    """One watched folder; device, inode and mounts identify it, because another folder may get its path.

    Attributes:
        observed: as watchdog knows it; another folder that leads to the same place may have the same.
        handler: of its events.
        real: its real path, which is watched: inotify does not follow a link.
        since: when it was made, on the monotonic clock.
    """

    observed: ObservedWatch
    handler: _FolderEvents
    real: Path
    device: int
    inode: int
    mounts: MountView
    since: float


class Watcher:
    """Watches folders, recursively. Made on the event loop; `watch` and `unwatch` block and may run on any thread."""

    def __init__(self, *, retry_seconds: float = 60.0) -> None:
        """`retry_seconds`: until a folder with too few watches is watched again: others may have given some back."""
        self._retry_seconds = retry_seconds
        self._loop = asyncio.get_running_loop()
        self._observer = _start_observer(self._note_overflow, self._note_unwatched)
        self._watches: dict[Path, _Watch] = {}
        self._subscribers: dict[Path, tuple[Notify, ...]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._pending: dict[tuple[Path, str], FileEvent] = {}
        self._pending_lock = threading.Lock()
        self._partial: set[bytes] = set()
        """Real paths of folders below which there were too few watches."""

    def watch(self, folder: Path, notify: Notify, *, recursive: bool = True) -> PollReason | None:
        """Watch a folder; idempotent, also after the folder was removed, created, linked or mounted again.

        Args:
            folder: several callers may watch it; it may be a link to a folder.
            notify: called with each event of the folder, on the thread of the event loop.
            recursive: whether changes below its entries are reported.

        Returns:
            None if every change is reported; otherwise why the folder has to be polled as well.
        """
        with self._lock:
            if self._closed:
                return PollReason.NO_EVENTS
            if self._observer is None:
                return PollReason.FEW_WATCHES
            try:
                watch = self._renew(self._observer, folder, recursive=recursive)
            except OSError as error:
                few = error.errno in {errno.ENOSPC, errno.EMFILE, errno.ENFILE}
                return PollReason.FEW_WATCHES if few else PollReason.NO_EVENTS
            self._subscribe(folder, notify)
            if self._is_partial(watch):
                return PollReason.FEW_WATCHES
            return PollReason.OTHER_MACHINES if watch.mounts.is_shared else None

    def _renew(self, observer: _Observer, folder: Path, *, recursive: bool) -> _Watch:
        """Return the watch of a folder: the one that there is, or a new one.

        Raises:
            OSError: it cannot be watched.
        """
        real = Path(os.path.realpath(folder))
        status, mounts = real.stat(), view_mounts(real)
        known = self._watches.get(folder)
        if (
            known is not None
            and observer.observes(known.observed)
            and (known.device, known.inode, known.mounts) == (status.st_dev, status.st_ino, mounts)
            and not (self._is_partial(known) and time.monotonic() - known.since > self._retry_seconds)
        ):
            return known
        self._forget(folder)
        self._partial.discard(os.fsencode(real))
        handler = _FolderEvents(folder, real, self._hand_over)
        observed = observer.schedule(handler, str(real), recursive=recursive)
        watch = _Watch(observed, handler, real, status.st_dev, status.st_ino, mounts, time.monotonic())
        self._watches[folder] = watch
        return watch

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
            if self._observer is not None:
                self._observer.stop()
                self._observer.join()

    def _is_partial(self, watch: _Watch) -> bool:
        return os.fsencode(watch.real) in self._partial

    def _forget(self, folder: Path) -> None:
        known = self._watches.pop(folder, None)
        if known is None or self._observer is None:
            return
        others = any(other.observed == known.observed for other in self._watches.values())
        if others and self._observer.observes(known.observed):
            self._observer.remove_handler_for_watch(known.handler, known.observed)
        else:
            self._observer.unschedule(known.observed)
            self._watches = {
                path: other for path, other in self._watches.items() if other.observed != known.observed
            }

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
        self._ask_for_scans(list(self._watches))

    def _ask_for_scans(self, folders: Iterable[Path]) -> None:
        for folder in folders:
            self._notify(FileEvent(folder, "", FileEventKind.CHANGED))

    def _note_unwatched(self, root: bytes) -> None:
        """Note that a folder below `root` cannot be watched; on any thread, with the locks of watchdog held."""
        if root in self._partial:
            return
        self._partial.add(root)
        _log.warning("Too few inotify watches for %s: it is polled", for_display(os.fsdecode(root), 300))
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._notify_of_partial, root)

    def _notify_of_partial(self, root: bytes) -> None:
        self._ask_for_scans(
            [folder for folder, watch in self._watches.items() if os.fsencode(watch.real) == root]
        )

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

    def __init__(self, overflowed: Callable[[], None], unwatched: Callable[[bytes], None]) -> None:
        super().__init__()
        self._overflowed = overflowed
        self._unwatched = unwatched

    def handle_event(self, event: InotifyEvent) -> None:
        """Let watchdog handle an event, which watches new folders; then report an overflow of the queue."""
        super().handle_event(event)
        if event.is_queue_overflow:
            self._overflowed()

    def add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        """Watch one folder of a tree; report where the limit is reached, which watchdog ignores below the root."""
        try:
            return super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno == errno.ENOSPC and isinstance(callback, InotifyWatchGroup):
                self._unwatched(callback.path)
            raise


class _Observer(BaseObserver):
    """The inotify observer of watchdog, with a queue that reports its overflow and what cannot be watched."""

    def __init__(self, queue: _Queue) -> None:
        self._queue = queue
        self._queue.start()
        # Only "full" events distinguish a move into place from a new file that will be written to.
        super().__init__(InotifyFullEmitter, inotify_fd=self._queue)

    def observes(self, watch: ObservedWatch) -> bool:
        """Return whether events still arrive; a new folder may get the old inode, so that alone does not show it."""
        return any(emitter.watch is watch and emitter.should_keep_running() for emitter in self.emitters)

    def on_thread_stop(self) -> None:
        """Stop the queue's thread as well."""
        super().on_thread_stop()
        self._queue.stop()
        self._queue.join()


def _start_observer(overflowed: Callable[[], None], unwatched: Callable[[bytes], None]) -> _Observer | None:
    """Start the observer; None where the system lets no more programs watch files."""
    try:
        queue = _Queue(overflowed, unwatched)
    except OSError as error:
        _log.warning("Nothing is watched, so all folders are polled: %s", error.strerror)
        return None
    observer = _Observer(queue)
    observer.start()
    return observer


class _FolderEvents(events.FileSystemEventHandler):
    """Converts the events of one folder; runs on the observer's thread."""

    def __init__(self, folder: Path, real: Path, hand_over: Callable[[FileEvent], None]) -> None:
        self._folder = folder
        self._real = os.fspath(real)
        self._prefix = self._real.rstrip(os.sep) + os.sep
        self._hand_over = hand_over

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        """Convert one event into an event for each top-level entry that it names."""
        # Synthetic events repeat, for everything below a moved folder, the move itself.
        if event.is_synthetic or isinstance(event, events.FileOpenedEvent | events.FileClosedNoWriteEvent):
            return
        if isinstance(event, events.DirDeletedEvent) and os.fsdecode(event.src_path) == self._real:
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
