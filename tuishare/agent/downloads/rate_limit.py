"""Rate limit: how many envelopes of unverified senders are read in a minute; the others wait in order (threat T1).

Owns the count and the queue. Must not know what an envelope is, nor who sent it: those of verified users are not
limited. Neither is kept across a restart: the whole inbox is scanned then, and queues as it is found.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_WINDOW: Final = 60.0
_NAP: Final = 1.0
"""Seconds after which a changed limit is noticed."""


@dataclass(frozen=True, slots=True)
class WaitingEnvelope:
    """An envelope that waits to be read.

    Attributes:
        name: of the file in the inbox.
        size: of the file in bytes.
        since: Unix seconds.
        fingerprint: of the file.
        stamp: of the user book that does not verify its sender.
    """

    name: str
    size: int
    since: int
    fingerprint: str
    stamp: tuple[int, ...] = ()


class EnvelopeRateLimit:
    """Lets a number of envelopes pass in any 60 seconds."""

    def __init__(
        self,
        limit: Callable[[], int],
        rescan: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without any envelope.

        Args:
            limit: returns how many may pass in a minute; 0: all. Called each time.
            rescan: called with the name of an envelope that may be read now; `admits` lets it pass.
            clock: returns seconds.
        """
        self._limit = limit
        self._rescan = rescan
        self._clock = clock
        self._passed: deque[float] = deque()
        self._called: set[str] = set()
        self._waiting: dict[str, WaitingEnvelope] = {}
        self._added = asyncio.Event()

    @property
    def waiting(self) -> Mapping[str, WaitingEnvelope]:
        """The envelopes that wait, by name, oldest first."""
        return self._waiting

    def admits(self, name: str) -> bool:
        """Return whether an envelope may pass now; one that may is counted."""
        if name in self._called:
            self._called.discard(name)
            return True
        # Those that wait already go first.
        if self._waiting or self._pause() > 0:
            return False
        self._passed.append(self._clock())
        return True

    def queue(self, waiting: WaitingEnvelope) -> None:
        """Let an envelope wait; one that is in the queue keeps its place when its file changes."""
        self._waiting[waiting.name] = waiting
        self._added.set()

    def holds(self, name: str, fingerprint: str, stamp: tuple[int, ...] = ()) -> bool:
        """Return whether an envelope waits in exactly this form, judged by this user book."""
        waiting = self._waiting.get(name)
        return waiting is not None and (waiting.fingerprint, waiting.stamp) == (fingerprint, stamp)

    def forget(self, name: str) -> bool:
        """Forget an envelope that is gone; return whether it waited."""
        self._called.discard(name)
        return self._waiting.pop(name, None) is not None

    async def run(self) -> None:
        """Let one after the other pass, until cancelled."""
        while True:
            if not self._waiting:
                self._added.clear()
                await self._added.wait()
            elif (pause := self._pause()) > 0:
                await asyncio.sleep(min(pause, _NAP))
            else:
                self._call(next(iter(self._waiting)))

    def _call(self, name: str) -> None:
        del self._waiting[name]
        self._called.add(name)
        self._passed.append(self._clock())
        self._rescan(name)

    def _pause(self) -> float:
        """Return the seconds until one more may pass."""
        now, limit = self._clock(), self._limit()
        while self._passed and self._passed[0] <= now - _WINDOW:
            self._passed.popleft()
        if limit == 0 or len(self._passed) < limit:
            return 0.0
        return self._passed[-limit] + _WINDOW - now
