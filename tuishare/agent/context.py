"""What every part of the agent works with.

Owns nothing itself: the composition root (`tuishare.agent.daemon`) fills it in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.change_signal import ChangeSignal
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
    """The surroundings of one running agent.

    Attributes:
        config: the settings in force; `tuishare.agent.config_reload` alone puts others in their place, so whoever keeps
            one of them keeps it until the agent is started again.
        changed: to be notified whenever a client would see something new.
        clock: gives the time with a zone; for what people see and certificates, never for measuring durations.
        problems: what went wrong when the home was opened.
        announcing: our tracker, and the way to those of others.
        activity: takes note of what happens.
        outbox: patience with its disk.
    """

    config: Config
    places: Places
    identity: Identity
    store: Store
    engine: Engine
    changed: ChangeSignal
    clock: Callable[[], datetime] = wall_clock
    problems: tuple[Problem, ...] = ()
    tracker: TrackerService = field(default_factory=TrackerService)
    activity: ActivityLog = field(init=False)
    outbox_retry: DiskRetry = field(init=False)

    def __post_init__(self) -> None:
        self.activity = ActivityLog(self.store, self.now)
        self.outbox_retry = DiskRetry(self.config.folders.outbox_path)
        for patience in (self.store.patience, self.outbox_retry):
            patience.told = self.changed.notify

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock().timestamp())

    def book(self) -> UserBook:
        """The users as they are on disk now, so that an edit counts at once.

        Raises:
            BadConfiguration: the file is not usable.
        """
        return load_book(self.places.users_file)

    def book_stamp(self) -> tuple[int, ...]:
        """Equal for two calls when the user book was not written between them.

        What failed for want of a user or a key is worth another try when it is not.
        """
        try:
            status = self.places.users_file.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns
