"""Two members with real agents, and a transfer between them for the duration of an attack.

Owns the homes, the agents and the files between them. Must not know attacks.

The transfer is limited by the recipient's settings (`RATE`), far below the capacity of two cores, so that its rate
shows the agents' behaviour and not the CPU share of the attackers. Agents start with the soft limit of descriptors of
login shells and systemd, `DESCRIPTORS`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.agent.homes import Home, fill, introduce, make_home
from tests.bench.agents import carrying, runner
from tests.waiting import answered, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import DeliveryState
from tuishare.people import User
from tuishare.swarm.ports import free_port

RATE: Final = 20_000_000
"""Bytes per second of the transfer."""
DESCRIPTORS: Final = 1_024
_SETTLE: Final = {"after_close": 0.1, "quiet": 0.5, "rescan": 5.0}
_LATE_SIZE: Final = 1 << 20
_BEGIN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Member:
    """One of the two members.

    Attributes:
        swarm: port for TLS swarms, on loopback.
        tracker: port of the tracker, https, on loopback.
        agent: the process.
    """

    home: Home
    swarm: int
    tracker: int
    agent: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Process id of the agent."""
        return self.agent.pid

    @property
    def runs(self) -> bool:
        """Whether the agent has not ended."""
        return self.agent.poll() is None


@dataclass(frozen=True, slots=True)
class Stage:
    """Both members while their agents run.

    Attributes:
        root: a folder for everything else, on the disk of both homes.
    """

    root: Path
    alice: Member
    bob: Member

    def received(self) -> int:
        """Return how many bytes of payload the recipient has on disk, by the blocks that its files occupy."""
        downloads = self.bob.home.downloads
        return sum(path.lstat().st_blocks * 512 for path in _files(downloads))

    async def measure_rate(self, seconds: float) -> float:
        """Return how many bytes a second arrive, over so many seconds from now on."""
        started, received = time.monotonic(), self.received()
        await asyncio.sleep(seconds)
        return (self.received() - received) / (time.monotonic() - started)

    async def send(self, size: int) -> None:
        """Start a transfer of that many bytes; return once the data of a tenth of a second has arrived.

        Raises:
            TimeoutError: it does not start.
        """
        made = self.root / "transfer.bin"
        with made.open("wb") as file:
            file.truncate(size)  # zeros are transferred like any other bytes
        made.rename(self.alice.home.drop / made.name)
        await wait_until(lambda: self.received() > RATE // 10, seconds=_BEGIN_SECONDS)

    async def deliver(self, name: str, seconds: float) -> tuple[float, float]:
        """Drop one more file at the sender.

        Returns:
            Seconds until the recipient has it, and until the sender knows that; infinity where that took longer than
            `seconds`.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        made = fill(self.root / name, _LATE_SIZE)
        made.rename(self.alice.home.drop / name)
        arrived = told = float("inf")
        try:
            async with asyncio.timeout(seconds):
                target = self.bob.home.downloads / self.alice.home.name / name
                await wait_until(target.exists, seconds=seconds)
                arrived = loop.time() - started
                async with AgentClient(self.alice.home.places.socket) as client:
                    await answered(lambda: _is_known(client, name), bool, seconds=seconds)
                told = loop.time() - started
        except TimeoutError:
            pass
        return arrived, told


@asynccontextmanager
async def staged(root: Path, strangers: tuple[User, ...] = ()) -> AsyncIterator[Stage]:
    """Run the two agents for the duration of the block.

    Args:
        root: an empty folder.
        strangers: further users in the recipient's user book.
    """
    alice, bob = make_home(root, "alice"), make_home(root, "bob")
    introduce(alice, bob)
    bob.know(alice.user(), *strangers)
    ports = {home.name: (free_port(), free_port()) for home in (alice, bob)}
    for home, friend, limits in ((alice, bob, {}), (bob, alice, {"download": str(RATE)})):
        swarm, tracker = ports[home.name]
        home.configure(
            friend.name,
            settle=_SETTLE,
            network={"listen": f"127.0.0.1:{swarm}", "share_addresses": False},
            tracker={"listen": f"127.0.0.1:{tracker}", "listen_plain": ""},
            limits=limits,
        )
    with usual_descriptors():
        async with runner(alice) as one, runner(bob) as other:
            members = [
                Member(home, *ports[home.name], agent.process) for home, agent in ((alice, one), (bob, other))
            ]
            with carrying(alice, bob):
                yield Stage(root, *members)


@contextmanager
def usual_descriptors() -> Iterator[None]:
    """Apply the usual soft limit of descriptors to processes started in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _is_known(client: AgentClient, name: str) -> bool:
    return any(
        delivery.state is DeliveryState.COMPLETE
        for share in await client.shares()
        if share.name == name
        for delivery in share.deliveries
    )


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
