"""Floods of the swarm port during transfers: rates, response times, memory, descriptors and CPU of the agent.

Run as ``python -m tests.bench.bench_crowd --kind silent --count 2000 --seconds 300``. One agent delivers files to
another throughout. With ``--limit N`` both agents may open at most N files.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.agent.homes import Home
from tests.bench.agents import carrying, end, make_friends, runner
from tests.bench.processes import processor_seconds, resident_memory
from tests.bench.strangers import KINDS
from tests.waiting import wait_until
from tuishare.api.client import AgentClient

_BETWEEN, _PATIENCE = 0.05, 600.0
_SIZE = 32 << 20


@dataclass(slots=True)
class Phase:
    """The measurements of one interval.

    Attributes:
        rates: MB/s from drop to delivered, of each file.
        answers: seconds of each `status`.
        memory: highest, MiB.
        descriptors: highest.
        processor: percent of one core.
        problems: titles that the sender's status showed.
    """

    rates: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    memory: float = 0.0
    descriptors: int = 0
    processor: float = 0.0
    problems: set[str] = field(default_factory=set)

    def tell(self, name: str) -> None:
        """Print one line."""
        answers = sorted(self.answers)
        most = answers[int(len(answers) * 0.99)]
        rate = sum(self.rates) / len(self.rates) if self.rates else 0.0
        print(
            f"{name:8} {len(self.rates):3} files {rate:6.1f} MB/s  "
            f"status 99 % {most * 1e3:5.0f}, max {answers[-1] * 1e3:5.0f} ms  "
            f"{self.memory:5.0f} MiB  {self.descriptors:5} descriptors  {self.processor:4.0f} %  "
            f"{'; '.join(sorted(self.problems))}",
            flush=True,
        )


async def _deliver(alice: Home, bob: Home, phase: Phase, number: int) -> None:
    """Deliver one file."""
    name = f"{number}.bin"
    beside = alice.places.files / name
    await asyncio.to_thread(lambda: beside.write_bytes(os.urandom(_SIZE)))
    target = bob.downloads / alice.name / name
    started = time.perf_counter()
    beside.rename(alice.drop / name)
    await wait_until(target.exists, seconds=_PATIENCE, every=0.01)
    phase.rates.append(_SIZE / (time.perf_counter() - started) / 1e6)
    (alice.drop / name).unlink()
    target.unlink()


async def _watch(client: AgentClient, pid: int, phase: Phase) -> None:
    """Sample the agent, until cancelled."""
    while True:
        started = time.perf_counter()
        status = await client.status()
        phase.answers.append(time.perf_counter() - started)
        phase.problems |= {problem.title for problem in status.problems}
        phase.memory = max(phase.memory, resident_memory(pid))
        phase.descriptors = max(phase.descriptors, len(os.listdir(f"/proc/{pid}/fd")))
        await asyncio.sleep(_BETWEEN)


async def _pass(
    name: str, alice: Home, bob: Home, client: AgentClient, pid: int, seconds: float, first: int
) -> Phase:
    """Deliver files one after the other for some time."""
    phase = Phase()
    watching = asyncio.create_task(_watch(client, pid, phase))
    started, before = time.perf_counter(), processor_seconds(pid)
    number = first
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds + 60):
            while time.perf_counter() - started < seconds:
                await _deliver(alice, bob, phase, number)
                number += 1
    phase.processor = (processor_seconds(pid) - before) / (time.perf_counter() - started) * 100
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    phase.tell(name)
    return phase


async def run(root: Path, kind: str, count: int, seconds: float, limit: int) -> None:
    """Measure before, during and after."""
    alice, bob = make_friends(root)
    async with runner(alice, descriptors=limit) as agent, runner(bob, descriptors=limit):
        pid = agent.process.pid
        async with AgentClient(alice.places.socket) as client:
            port = (await client.status()).listen_tls
            with carrying(alice, bob):
                await _pass("before", alice, bob, client, pid, 15, 0)
                strangers = subprocess.Popen(  # noqa: ASYNC220
                    [sys.executable, "-m", "tests.bench.strangers", kind, str(port), str(count)]
                )
                try:
                    await _pass("during", alice, bob, client, pid, seconds, 1000)
                finally:
                    end(strangers)
                await _pass("after", alice, bob, client, pid, 15, 100_000)


def main() -> None:
    """Print three lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="silent")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--limit", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), chosen.kind, chosen.count, chosen.seconds, chosen.limit))


if __name__ == "__main__":
    main()
