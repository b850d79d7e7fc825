"""How many envelopes of people who are not verified are read in a minute: the others wait, in order (threat T1).

Owns the count and the queue. Must not know what an envelope is, nor who sent it: those of verified users do not come
here. Neither is kept across a restart: all that lies in the inbox is looked at again then, and queues as it is found.
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
"""Seconds after which it is looked again whether the limit is another one."""


@dataclass(frozen=True, slots=True)
class WaitingEnvelope:
    """An envelope whose turn has not come.

    Attributes:
        size: of the file in bytes.
        since: Unix seconds.
        stamp: of the user book by which it has to wait.
    """

    name: str
    size: int
    since: int
    fingerprint: str
    stamp: tuple[int, ...] = ()


class EnvelopeRateLimit:
    """Lets so many pass in any 60 seconds."""

    def __init__(
        self,
        limit: Callable[[], int],
        look_again: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing waits at first.

        Args:
            limit: how many in a minute; 0: all. Asked each time.
            look_again: told of one whose turn has come; `admits` lets that pass.
            clock: in seconds.
        """
        self._limit = limit
        self._look_again = look_again
        self._clock = clock
        self._passed: deque[float] = deque()
        self._called: set[str] = set()
        self._waiting: dict[str, WaitingEnvelope] = {}
        self._some = asyncio.Event()

    @property
    def waiting(self) -> Mapping[str, WaitingEnvelope]:
        """What waits, by name, first come first."""
        return self._waiting

    def admits(self, name: str) -> bool:
        """Whether this one may pass now, which is counted."""
        if name in self._called:
            self._called.discard(name)
            return True
        # Whoever came before goes first.
        if self._waiting or self._pause() > 0:
            return False
        self._passed.append(self._clock())
        return True

    def queue(self, waiting: WaitingEnvelope) -> None:
        """Let one wait; it keeps its turn if only its form is another one."""
        self._waiting[waiting.name] = waiting
        self._some.set()

    def holds(self, name: str, fingerprint: str, stamp: tuple[int, ...] = ()) -> bool:
        """Whether one waits in exactly this form, and by this user book."""
        waiting = self._waiting.get(name)
        return waiting is not None and (waiting.fingerprint, waiting.stamp) == (fingerprint, stamp)

    def forget(self, name: str) -> bool:
        """Forget one that is gone; returns whether it waited."""
        self._called.discard(name)
        return self._waiting.pop(name, None) is not None

    async def run(self) -> None:
        """Call one after the other, until cancelled."""
        while True:
            if not self._waiting:
                self._some.clear()
                await self._some.wait()
            elif (pause := self._pause()) > 0:
                await asyncio.sleep(min(pause, _NAP))
            else:
                self._call(next(iter(self._waiting)))

    def _call(self, name: str) -> None:
        del self._waiting[name]
        self._called.add(name)
        self._passed.append(self._clock())
        self._look_again(name)

    def _pause(self) -> float:
        """Seconds until one more may pass."""
        now, limit = self._clock(), self._limit()
        while self._passed and self._passed[0] <= now - _WINDOW:
            self._passed.popleft()
        if limit == 0 or len(self._passed) < limit:
            return 0.0
        return self._passed[-limit] + _WINDOW - now
