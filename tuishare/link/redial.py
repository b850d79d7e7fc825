"""When to call again after calls that failed.

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
    """Growing pauses between calls that fail, from a second to a quarter of an hour.

    Each is shortened by chance, so that agents that lost each other at one moment do not call at one moment.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        """Begin with the shortest.

        Args:
            chance: for tests.
        """
        self._chance = chance or random.Random()  # noqa: S311 (nothing is guarded by it)
        self._seconds = _FIRST_SECONDS

    def next(self) -> float:
        """Return the seconds to wait before the next call."""
        seconds = self._seconds
        self._seconds = min(_LONGEST_SECONDS, seconds * _GROWTH)
        return seconds * (1 - _JITTER * self._chance.random())

    def reset(self) -> None:
        """Begin again with the shortest: a link was open, an address changed, or there is something to hand over."""
        self._seconds = _FIRST_SECONDS
