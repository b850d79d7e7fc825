"""Many small files at once: whether one is missed, and how fast the agent responds meanwhile.

Run as ``python -m tests.bench.bench_flood --folders 200 --files 100``. The folders are written in place into the drop
folder of one agent with the default waits, which is asked for its status all the while. It ends when each folder is
seeding with all of its files; after that many seconds what is missing counts as missed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.agent.homes import Home
from tests.bench.agents import make_friends, runner
from tuishare.api.client import AgentClient
from tuishare.api.messages import ShareState

_WANTED = 0.2
_BETWEEN = 0.02


@dataclass(frozen=True, slots=True)
class Flood:
    """What happened; all in seconds but `missed`, the number of files that are not shared."""

    written: float
    shared: float
    missed: int
    answers: list[float]


def pour(drop: Path, folders: int, files: int) -> float:
    """Write the folders as fast as it goes; return the seconds that it took. Blocking."""
    started = time.perf_counter()
    for folder in range(folders):
        (place := drop / f"folder-{folder:04}").mkdir()
        for file in range(files):
            (place / f"{file:04}").write_bytes(f"{folder}/{file}\n".encode() * 50)
    return time.perf_counter() - started


async def ask_on(client: AgentClient, answers: list[float]) -> None:
    """Ask for the status again and again, until cancelled."""
    while True:
        started = time.perf_counter()
        await client.status()
        answers.append(time.perf_counter() - started)
        await asyncio.sleep(_BETWEEN)


async def count_shared(client: AgentClient) -> int:
    """How many files are in shares that are seeding."""
    return sum(share.files for share in await client.shares() if share.state is ShareState.SEEDING)


async def flood(home: Home, folders: int, files: int, patience: float) -> Flood:
    """Pour, and watch."""
    answers: list[float] = []
    async with runner(home), AgentClient(home.places.socket) as client:
        asking = asyncio.create_task(ask_on(client, answers))
        started = time.perf_counter()
        written = await asyncio.to_thread(pour, home.drop, folders, files)
        shared = 0
        while shared < folders * files and time.perf_counter() - started < patience:
            await asyncio.sleep(0.25)
            shared = await count_shared(client)
        seconds = time.perf_counter() - started
        asking.cancel()
        await asyncio.wait({asking})
        if not asking.cancelled():
            asking.result()  # what it failed with, if it did
    return Flood(written, seconds, folders * files - shared, answers)


def main() -> None:
    """Print what happened beside what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folders", type=int, default=200)
    parser.add_argument("--files", type=int, default=100, help="in each folder")
    parser.add_argument("--seconds", type=float, default=180.0, help="after which what is missing is missed")
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        alice, _ = make_friends(Path(folder))
        found = asyncio.run(flood(alice, options.folders, options.files, options.seconds))
    worst, median = max(found.answers), statistics.median(found.answers)
    late = sum(answer >= _WANTED for answer in found.answers)
    print(f"written in {found.written:.1f} s, all shared after {found.shared:.1f} s")
    print(f"wanted: 0 files missed; measured {found.missed}")
    print(
        f"wanted: status answers < {_WANTED * 1000:.0f} ms; measured median {median * 1000:.1f} ms, "
        f"worst {worst * 1000:.0f} ms, {late} of {len(found.answers)} too late"
    )


if __name__ == "__main__":
    main()
