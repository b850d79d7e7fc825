"""The wall clock, for display and certificates; durations are measured otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the current time, with a zone."""
    return datetime.now(UTC)


class Clock:
    """The clock of one agent; calling it returns the time with a zone.

    Attributes:
        read: returns the time with a zone.
    """

    def __init__(self, read: Callable[[], datetime] = wall_clock) -> None:
        self.read = read

    def __call__(self) -> datetime:
        """Return the time, with a zone."""
        return self.read()

    def now(self) -> int:
        """Return Unix seconds."""
        return int(self.read().timestamp())
