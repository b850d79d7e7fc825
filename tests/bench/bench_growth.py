"""How the cost of a share grows with their number: taken in, started again, and listed.

Run as ``python -m tests.bench.bench_growth --shares 100 1000 3000``. One agent is given files of 1 KiB until it has as
many shares, for each number in turn, and is started again at each. CPU seconds of the agent are counted, not the clock,
so other load on the machine matters little. Whether it is done is read from its database, because to answer costs the
agent as well. The growth law is the exponent of cost over number, between the first and the last: 0 for a share that
costs the same among any number of others, 1 where each share looks at all others. A start has a part that no number
changes, so its exponent is below 0 while the rest is flat.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.agent.homes import Home
from tests.bench.agents import make_friends, runner
from tests.bench.processes import processor_seconds, resident_memory, until_idle
from tests.waiting import answered, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import ShareState

_PATIENCE = 3600
_LISTS = 30


@dataclass(frozen=True, slots=True)
class Grown:
    """The cost at one number of shares.

    Attributes:
        shares: how many there are then.
        taken: CPU milliseconds for each share that was added since the number before.
        again: CPU seconds of the next start, until all are seeding.
        memory: MiB after that.
        listed: CPU milliseconds of one list of all shares, as it is sent to a client.
    """

    shares: int
    taken: float
    again: float
    memory: float
    listed: float


def drop_files(drop: Path, numbers: range) -> None:
    """Write one file of 1 KiB for each number."""
    for number in numbers:
        (drop / f"payload-{number:06}").write_bytes(os.urandom(1024))


async def until_recorded(home: Home, count: int) -> None:
    """Wait until that many shares are seeding, as the database of an agent says."""
    await wait_until(lambda: count_recorded(home) >= count, seconds=_PATIENCE, every=0.5)


def count_recorded(home: Home) -> int:
    """Return how many shares are recorded as seeding; none before there is a database."""
    try:
        with closing(sqlite3.connect(f"file:{home.places.store_file}?mode=ro", uri=True)) as database:
            (count,) = database.execute("SELECT count(*) FROM shares WHERE step = 'seeding'").fetchone()
            return int(count)
    except sqlite3.OperationalError:
        return 0


async def until_seeding(home: Home, count: int) -> None:
    """Wait until an agent seeds as many shares, asking seldom: after a start its database says so already."""
    async with AgentClient(home.places.socket) as client:
        await answered(
            client.shares,
            lambda shares: sum(share.state is ShareState.SEEDING for share in shares) >= count,
            seconds=_PATIENCE,
            every=1.0,
        )


async def grow(root: Path, numbers: list[int]) -> list[Grown]:
    """Measure one agent at each number of shares, in ascending order."""
    alice, _ = make_friends(root)
    results: list[Grown] = []
    before = 0
    for count in numbers:
        async with runner(alice) as agent:
            await until_seeding(alice, before)
            started = processor_seconds(agent.process.pid)
            drop_files(alice.drop, range(before, count))
            await until_recorded(alice, count)
            taken = (processor_seconds(agent.process.pid) - started) * 1000 / (count - before)
        async with runner(alice) as agent:
            await until_seeding(alice, count)
            pid = agent.process.pid
            again, memory = processor_seconds(pid), resident_memory(pid)
            results.append(Grown(count, taken, again, memory, await measure_lists(alice, pid)))
        print(describe(results[-1]), flush=True)
        before = count
    return results


async def measure_lists(home: Home, pid: int) -> float:
    """Return the CPU milliseconds of an agent for one list of its shares, once it has nothing else to do."""
    await until_idle(lambda: processor_seconds(pid))
    async with AgentClient(home.places.socket) as client:
        started = processor_seconds(pid)
        for _ in range(_LISTS):
            await client.shares()
        return (processor_seconds(pid) - started) * 1000 / _LISTS


def describe(one: Grown) -> str:
    """Return the line of one number of shares."""
    return (
        f"{one.shares:7,} shares   taken in {one.taken:6.1f} ms of CPU each   "
        f"started again {one.again:6.2f} s of CPU   memory {one.memory:5.0f} MiB   listed {one.listed:6.1f} ms"
    )


def growth(first: Grown, last: Grown) -> tuple[float, float]:
    """Return the exponents of the cost of one share over the number of shares: taken in, and started again."""
    by = math.log(last.shares / first.shares)
    again = (last.again / last.shares) / (first.again / first.shares)
    return math.log(last.taken / first.taken) / by, math.log(again) / by


def main() -> None:
    """Print the cost at each number, then the growth law beside what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", type=int, nargs="+", default=[100, 1_000, 3_000])
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        results = asyncio.run(grow(Path(folder), sorted(set(options.shares))))
    if len(results) > 1:
        taken, again = growth(results[0], results[-1])
        print(
            f"wanted: a share costs the same, growth n^0.0; measured n^{taken:.2f}, and n^{again:.2f} at a start"
        )


if __name__ == "__main__":
    main()
