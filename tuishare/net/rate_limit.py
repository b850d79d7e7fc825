"""How often somebody may do something: a token bucket for each key, in bounded memory.

Owns the counting. Must not know what is limited.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class RateLimit(Generic[Key]):
    """Buckets that fill by themselves; the key that was quiet longest is forgotten when there are too many."""

    def __init__(self, burst: int, rate: float, keys: int, clock: Callable[[], float]) -> None:
        """Begin with full buckets.

        Args:
            burst: how much may be taken at once.
            rate: how much comes back in a second.
            keys: most keys to remember.
            clock: seconds, never jumping.
        """
        self._burst = float(burst)
        self._rate = rate
        self._keys = keys
        self._clock = clock
        self._buckets: OrderedDict[Key, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._buckets)

    def take(self, key: Key) -> bool:
        """Take one; False when nothing is left."""
        now = self._clock()
        level, since = self._buckets.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        allowed = level >= 1
        self._buckets[key] = (level - allowed, now)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return allowed
