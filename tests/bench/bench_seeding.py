"""Many shares seeding: start-up, memory and idle CPU.

Run as ``python -m tests.bench.bench_seeding --shares 1000``. Each program is given as many payloads of 16 KiB, ended,
and started again: the clock runs from that start until it seeds all of them. The other programs are trusted to report
it; from our agent a member downloads the first block of every 50th share and of the 20 that it loads last. Memory and
CPU are those of the process that then has nothing to do for 20 s. Beside our agent, over TLS, transmission-daemon and
qbittorrent-nox with plain v1 torrents, where they are installed; qbittorrent-nox may believe that the payloads are
whole, because it would check one a second.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.agent.homes import Home
from tests.bench.agents import make_friends, runner, seconds_until
from tests.bench.processes import Cost, measure_idle
from tests.bench.seeders import QBittorrent, Seeder, Transmission
from tests.swarm.outsiders import member_context, take_block
from tests.waiting import answered
from tuishare.api.client import AgentClient
from tuishare.api.messages import ShareState
from tuishare.core.database import Database
from tuishare.core.share_sealing import own_credentials
from tuishare.torrents import make_torrent, walk

_EVERY, _LAST = 50, 20


@dataclass(frozen=True, slots=True)
class Measured:
    """The cost of one program; seconds until all were added at first, and until all seeded after a restart."""

    first: float
    again: float
    cost: Cost


def make_payloads(folder: Path, count: int) -> list[Path]:
    """Write files of 16 KiB."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"payload-{number:05}" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(16 * 1024))
    return paths


async def until_seeding(home: Home, count: int) -> None:
    """Wait until an agent seeds that many shares."""
    async with AgentClient(home.places.socket) as client:
        await answered(
            client.shares,
            lambda shares: sum(share.state is ShareState.SEEDING for share in shares) >= count,
            seconds=600,
            every=0.05,
        )


def take_samples(home: Home, port: int, desk: Path) -> None:
    """Join some shares of an agent as a member, until each has sent its first block; blocking."""
    database = Database(home.places.store_file)
    shares = database.shares()
    database.close()
    started = time.perf_counter()
    for share in [*shares[:-_LAST:_EVERY], *shares[-_LAST:]]:
        context = member_context(own_credentials(share), desk)
        seconds_until(lambda: bool(take_block(port, share.info_hash, context).payload), since=started)  # noqa: B023


async def until_serving(home: Home, desk: Path) -> None:
    """Wait until an agent that has just started serves all of its shares."""
    async with AgentClient(home.places.socket) as client:
        port = (await client.status()).listen_tls
    assert port is not None
    await asyncio.to_thread(take_samples, home, port, desk)


async def measure_tuishare(root: Path, count: int, seconds: float) -> Measured:
    """Drop all payloads; let the agent seed them; start it again."""
    alice, _ = make_friends(root)
    async with runner(alice):
        started = time.perf_counter()
        make_payloads(alice.drop, count)
        await until_seeding(alice, count)
        first = time.perf_counter() - started
    started = time.perf_counter()
    async with runner(alice) as agent:
        await until_serving(alice, root)
        again = time.perf_counter() - started
        return Measured(first, again, await measure_idle(agent.process.pid, seconds))


async def measure_other(seeder: Seeder, folder: Path, count: int, seconds: float) -> Measured:
    """Give another program as many torrents; start it again."""
    torrents = [make_torrent(walk(path), version=1) for path in make_payloads(folder, count)]
    async with seeder.running():
        await seeder.until_seeding(0)
        started = time.perf_counter()
        await seeder.add(torrents, folder)
        await seeder.until_seeding(count)
        first = time.perf_counter() - started
    started = time.perf_counter()
    async with seeder.running() as process:
        await seeder.until_seeding(count)
        again = time.perf_counter() - started
        return Measured(first, again, await measure_idle(process.pid, seconds))


async def measure(root: Path, count: int, seconds: float) -> dict[str, Measured]:
    """Measure every program that there is."""
    (root / "tuishare").mkdir()
    results = {"tuishare": await measure_tuishare(root / "tuishare", count, seconds)}
    for seeder in (Transmission(root / "transmission"), QBittorrent(root / "qbittorrent")):
        if seeder.is_installed():
            folder = root / f"{seeder.home.name}-payloads"
            results[seeder.program] = await measure_other(seeder, folder, count, seconds)
        else:
            print(f"{seeder.program} is not installed")
    return results


def main() -> None:
    """Print what each needed, then what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the idle CPU is watched")
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        results = asyncio.run(measure(Path(folder), options.shares, options.seconds))
    for name, one in results.items():
        print(
            f"{name:20} taken in {one.first:6.1f} s   all seeding again {one.again:6.2f} s   "
            f"memory {one.cost.memory:6.0f} MiB   idle {one.cost.idle:5.2f} % of a core"
        )
    ours = results["tuishare"]
    print(f"wanted: all seeding again < 3 s; measured {ours.again:.2f}")
    print(f"wanted: idle <= 0.5 % of a core; measured {ours.cost.idle:.2f}")
    if other := results.get("qbittorrent-nox"):
        ratio = ours.cost.memory / other.cost.memory
        print(f"wanted: memory <= 1.5 x qbittorrent-nox; measured {ratio:.2f}")


if __name__ == "__main__":
    main()
