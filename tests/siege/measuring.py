"""Effects of an attack on an agent: transfer rate, API response times, memory and descriptors.

Owns the figures and their requirements. Memory is the process's own, ``RssAnon`` and ``RssShmem`` of
proc_pid_status(5): pages of payload files that the engine has mapped belong to the page cache.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.processes import open_descriptors, own_memory
from tests.siege.stage import RATE, Member
from tuishare.api.client import AgentClient
from tuishare.errors import TuishareError

RATIO: Final = 0.8
"""Of the undisturbed rate."""
STATUS: Final = 0.2
"""Seconds."""
MEMORY: Final = 50.0
"""MiB more than before."""
DESCRIPTORS: Final = 16
"""More than before; connections of members come and go."""
ARRIVAL: Final = 30.0
"""Seconds to deliver one more file of 1 MiB during the attack."""
_BETWEEN: Final = 0.1
_SLOWEST: Final = 10.0
"""Timeout of a response in seconds."""


@dataclass(slots=True)
class Watch:
    """The samples of one interval.

    Attributes:
        rate: bytes per second that the recipient received.
        answers: response times of ``status`` in seconds; infinity without a response.
        memory: MiB, each sample.
        descriptors: likewise.
    """

    rate: float = 0.0
    answers: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        """The slowest answer, seconds."""
        return max(self.answers, default=math.inf)

    @property
    def median(self) -> float:
        """The usual answer, seconds."""
        return statistics.median(self.answers) if self.answers else math.inf


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack.

    Attributes:
        before: the transfer undisturbed.
        during: the attack.
        memory: MiB, after the attack and the time to recover.
        descriptors: likewise.
        recovery: seconds of that time.
        arrived: seconds until one more file, dropped during the attack, was delivered.
        told: seconds until its sender knew.
        alive: whether both agents are still running.
        attackers: their output.
    """

    before: Watch
    during: Watch
    memory: float
    descriptors: int
    recovery: float
    arrived: float
    told: float
    alive: bool
    attackers: tuple[str, ...]

    def describe(self) -> dict[str, str]:
        """Return the measurements by kind."""
        before, during = self.before, self.during
        memory = (max(before.memory), max(during.memory), self.memory)
        descriptors = (max(before.descriptors), max(during.descriptors), self.descriptors)
        return {
            "attackers": "; ".join(self.attackers),
            "rate": _compared(f"{before.rate / 1e6:.1f} MB/s", f"{during.rate / 1e6:.1f} MB/s", self._ratio),
            "status, slowest": f"{_ms(before.slowest)} undisturbed, {_ms(during.slowest)} during",
            "status, median": f"{_ms(before.median)} undisturbed, {_ms(during.median)} during",
            "memory": _stages(*memory, " MiB"),
            "descriptors": _stages(*descriptors),
            "recovery": _seconds(self.recovery),
            "one more file": f"there after {_seconds(self.arrived)}, known after {_seconds(self.told)}",
        }

    def misses(self) -> list[str]:
        """Return the missed requirements."""
        wanted = {
            f"rate ≥ {RATIO} of undisturbed": self._ratio >= RATIO,
            f"status < {_ms(STATUS)}": self.during.slowest < STATUS,
            f"memory back within {MEMORY:.0f} MiB": has_memory_back(self.before, self.memory),
            "descriptors back": has_descriptors_back(self.before, self.descriptors),
            f"one more file within {ARRIVAL:.0f} s": self.arrived <= ARRIVAL,
            "both agents alive": self.alive,
        }
        return [what for what, holds in wanted.items() if not holds]

    @property
    def _ratio(self) -> float:
        # Data received before this interval may be written in it, so the rate may exceed the limit.
        undisturbed = min(self.before.rate, RATE)
        return self.during.rate / undisturbed if undisturbed else 0.0


def has_memory_back(before: Watch, memory: float) -> bool:
    """Whether an agent has released the memory used during the attack."""
    return memory <= max(before.memory) + MEMORY


def has_descriptors_back(before: Watch, descriptors: int) -> bool:
    """Likewise of descriptors."""
    return descriptors <= max(before.descriptors) + DESCRIPTORS


@asynccontextmanager
async def watching(member: Member) -> AsyncIterator[Watch]:
    """Sample one agent for the duration of the block; the caller measures the rate."""
    watch = Watch()
    looking = [
        asyncio.create_task(_ask(member.home.places.socket, watch)),
        asyncio.create_task(_weigh(member.pid, watch)),
    ]
    try:
        yield watch
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


async def _ask(socket: Path, watch: Watch) -> None:
    """Request the status repeatedly, each time over a new connection, as ``tuishare status`` does."""
    while True:
        started, failed = time.perf_counter(), False
        try:
            async with asyncio.timeout(_SLOWEST), AgentClient(socket) as client:
                await client.status()
        except (TuishareError, TimeoutError):
            failed = True
        finally:  # also if the block ends before the response
            watch.answers.append(math.inf if failed else time.perf_counter() - started)
        await asyncio.sleep(_BETWEEN)


async def _weigh(pid: int, watch: Watch) -> None:
    while True:
        watch.memory.append(own_memory(pid))
        watch.descriptors.append(open_descriptors(pid))
        await asyncio.sleep(_BETWEEN)


def _compared(before: str, during: str, ratio: float) -> str:
    return f"{before} undisturbed, {during} during, ratio {ratio:.2f}"


def _stages(before: float, during: float, after: float, unit: str = "") -> str:
    return f"{before:.0f}{unit} before, {during:.0f}{unit} during, {after:.0f}{unit} after"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if math.isfinite(seconds) else "no answer"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if math.isfinite(seconds) else "never"
