"""What failed because of a disk or for want of descriptors, and when it is tried again by itself.

Owns the times, and how such a failure is told from others. Must not know what it is that failed.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 600.0
"""How long to leave it alone: doubled each time."""
_WORDS: Final = tuple(
    os.strerror(number).lower()
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)
)


def is_of_disk(reason: str) -> bool:
    """Whether a sentence names a disk, or too many open files, as the reason.

    The engine hands on the system's words and nothing else.
    """
    return any(words in reason.lower() for words in _WORDS)


class Retries:
    """When to try what again, by its id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def defer(self, what: str) -> bool:
        """Let something be tried again later; returns whether it failed for the first time."""
        known = self._pauses.get(what)
        pause = FIRST_SECONDS if known is None else min(2 * known, LONGEST_SECONDS)
        self._pauses[what] = pause
        self._due[what] = self._clock() + pause
        return known is None

    def take_due(self) -> list[str]:
        """Return what is to be tried now, once."""
        due = [what for what, at in self._due.items() if at <= self._clock()]
        for what in due:
            del self._due[what]
        return due

    def drop(self, what: str) -> None:
        """Forget something: it has succeeded, or is no more."""
        self._pauses.pop(what, None)
        self._due.pop(what, None)
