"""Dependencies shared by all parts of the agent.

Owns nothing itself: `tuishare.agent.startup` fills it in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tuishare.agent.events import ChangeSignal, EventBus
from tuishare.agent.live import Live
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import wall_clock
from tuishare.core.problems import Problem
from tuishare.home_paths import Places
from tuishare.people import Identity, UserBook, load_book
from tuishare.swarm import Engine


@dataclass(slots=True)
class Context:
    """The dependencies of one running agent.

    Attributes:
        settings: those in force; `tuishare.agent.config_reload` alone replaces them.
        identity: the keys in force; a rotation replaces them.
        changed: is notified of every change that clients can see.
        clock: returns the time with a zone; for display and certificates, never for measuring durations.
        events: carries the events inside the agent.
        problems: those found when the home was opened.
        tracker: our tracker, and access to those of other senders.
        activity: the activity log.
        outbox_retry: retries writes while the disk of the outbox refuses them.
    """

    settings: Live[Config]
    places: Places
    identity: Live[Identity]
    store: Store
    engine: Engine
    changed: ChangeSignal
    clock: Callable[[], datetime] = wall_clock
    events: EventBus = field(default_factory=EventBus)
    problems: tuple[Problem, ...] = ()
    tracker: TrackerService = field(default_factory=TrackerService)
    activity: ActivityLog = field(init=False)
    outbox_retry: DiskRetry = field(init=False)
    _books: _BookCache = field(init=False)

    def __post_init__(self) -> None:
        self.activity = ActivityLog(self.store, self.now, self.events)
        self.outbox_retry = DiskRetry(self.settings.current.folders.outbox_path, self.events)
        self._books = _BookCache(self.places.users_file)

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock().timestamp())

    def book(self) -> UserBook:
        """Return the users as they are on disk now, so that an edit takes effect at once; may block to read the file.

        Raises:
            BadConfiguration: the file is not usable.
        """
        return self._books.read()

    def book_stamp(self) -> tuple[int, ...]:
        """Return a value that is equal for two calls if the user book was not written between them.

        Work that failed because of a missing user or key is worth a retry once the value has changed.
        """
        return self._books.stamp()


class _BookCache:
    """The user book, parsed again only after its file was written, because parsing verifies every card."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[tuple[int, ...], UserBook] | None = None

    def stamp(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns

    def read(self) -> UserBook:
        # The stamp comes first: a file that is written meanwhile is read again next time.
        stamp, known = self.stamp(), self._known
        if known is None or known[0] != stamp or not stamp:
            known = self._known = (stamp, load_book(self._path))
        return known[1]
