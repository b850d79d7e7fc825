"""Resource usage of a running process, from procfs, proc(5)."""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_IDLE_SECONDS: Final = 0.03


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of an idle process.

    Attributes:
        memory: resident, MiB.
        idle: of one core, percent.
    """

    memory: float
    idle: float


def resident_memory(pid: int) -> float:
    """MiB of a process and its children, as each of them sees it."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None, "a process that runs has memory"
    return int(found[1]) / 1024 + sum(map(resident_memory, _children(pid)))


def own_memory(pid: int) -> float:
    """MiB of a process that is its own; pages of files that it has mapped are not."""
    said = Path(f"/proc/{pid}/status").read_text()
    return sum(int(size) for size in re.findall(r"^Rss(?:Anon|Shmem):\s+(\d+) kB", said, re.MULTILINE)) / 1024


def open_descriptors(pid: int) -> int:
    """Files, sockets and the like that a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_seconds(pid: int) -> float:
    """Seconds that a process and its children have spent on all cores so far."""
    # The name, in brackets, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(processor_seconds, _children(pid)))


async def until_idle(spent: Callable[[], float], *, seconds: float = 60.0) -> None:
    """Wait until a process does nothing: a whole second costs it less than 3 % of a core.

    Args:
        spent: returns its processor seconds so far.
        seconds: the deadline.

    Raises:
        TimeoutError: it was busy for that long.
    """
    async with asyncio.timeout(seconds):
        costs = math.inf
        while costs > _IDLE_SECONDS:
            before = spent()
            await asyncio.sleep(1.0)
            costs = spent() - before


async def measure_idle(pid: int, seconds: float) -> Cost:
    """Measure an idle process, after a moment in which it settles."""
    await asyncio.sleep(seconds / 4)
    started, before = time.perf_counter(), processor_seconds(pid)
    await asyncio.sleep(seconds)
    spent = (processor_seconds(pid) - before) / (time.perf_counter() - started)
    return Cost(resident_memory(pid), spent * 100)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
