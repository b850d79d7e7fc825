"""When to try again what failed: calls, and questions without an answer.

Owns the pauses; pure but for chance. Must not call.
"""

from __future__ import annotations

import random
from typing import Final

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 900.0
_GROWTH: Final = 2.0
_JITTER: Final = 0.25


class Pauses:
    """Growing pauses between tries that fail, from a second to a quarter of an hour.

    Each is shortened by chance, so that agents that lost each other at one moment do not call at one moment.
    """

    __slots__ = ("_first", "_seconds")

    def __init__(self, first: float = _FIRST_SECONDS) -> None:
        """Begin with the shortest.

        Args:
            first: the shortest, seconds.
        """
        self._first = self._seconds = first

    def next(self) -> float:
        """Return the seconds to wait before the next try."""
        seconds = self._seconds
        self._seconds = min(_LONGEST_SECONDS, seconds * _GROWTH)
        return seconds * (1 - _JITTER * random.random())  # noqa: S311 (nothing is guarded by it)

    def reset(self) -> None:
        """Begin again with the shortest: a link was open, an address changed, or there is something to hand over."""
        self._seconds = self._first
