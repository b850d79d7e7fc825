"""Rate limiting: a token bucket per key, in bounded memory.

Owns the buckets. Must not know what is limited.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class RateLimit(Generic[Key]):
    """Token buckets by key; the least recently used key is dropped when there are too many."""

    def __init__(self, burst: int, rate: float, keys: int, clock: Callable[[], float]) -> None:
        """Create the limit; every bucket starts full.

        Args:
            burst: capacity of a bucket in tokens.
            rate: tokens refilled per second.
            keys: maximum number of keys to remember.
            clock: monotonic, seconds.
        """
        self._burst = float(burst)
        self._rate = rate
        self._keys = keys
        self._clock = clock
        self._buckets: OrderedDict[Key, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """The number of remembered keys."""
        return len(self._buckets)

    def take(self, key: Key) -> bool:
        """Take a token; return False if the bucket is empty."""
        now = self._clock()
        level, since = self._buckets.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        allowed = level >= 1
        self._buckets[key] = (level - allowed, now)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return allowed
