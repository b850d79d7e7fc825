"""Retries of downloads that failed because of a disk, of too many open files, or of false data.

Owns the times. Must not know downloads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 600.0
"""Seconds until the first retry, which are doubled each time, and the most they become."""


class Retries:
    """When to retry what, by its id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def defer(self, what: str) -> bool:
        """Retry something later; return whether it has failed for the first time."""
        known = self._pauses.get(what)
        pause = FIRST_SECONDS if known is None else min(2 * known, LONGEST_SECONDS)
        self._pauses[what] = pause
        self._due[what] = self._clock() + pause
        return known is None

    def take_due(self) -> list[str]:
        """Return what is to be retried now, each once."""
        due = [what for what, at in self._due.items() if at <= self._clock()]
        for what in due:
            del self._due[what]
        return due

    def drop(self, what: str) -> None:
        """Forget something that has succeeded or was removed."""
        self._pauses.pop(what, None)
        self._due.pop(what, None)
