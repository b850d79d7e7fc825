"""Two agents on two machines whose addresses change while they have a link: each is found again."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.agent.homes import Home, fill, introduce, make_home
from tests.agent.link.linked import until_received
from tests.namespaces import no_namespaces
from tests.waiting import answered, is_listening, wait_blocking
from tuishare.api.client import AgentClient
from tuishare.api.messages import InvitationText, NewInvitation

FOUND_SECONDS = 30.0
ONE, OTHER = "1.2.4.1/24", "1.2.4.2/24"
"""Not from the networks for documents, which count as addresses that nobody reaches."""
_numbers = itertools.count()


pytestmark = [
    pytest.mark.swarm,
    pytest.mark.slow,
    pytest.mark.skipif(bool(no_namespaces()), reason=no_namespaces()),
]


class Machine:
    """A network namespace with one cable, and the agent in it."""

    def __init__(self, name: str, home: Home) -> None:
        self.name, self.home = name, home

    def ip(self, command: str) -> None:
        subprocess.run(["ip", "-n", self.name, *command.split()], check=True)

    def add(self, *addresses: str) -> None:
        for address in addresses:
            # Usable at once: nobody else can have it.
            self.ip(f"address add {address} dev eth0{' nodad' if ':' in address else ''}")

    def remove(self, *addresses: str) -> None:
        for address in addresses:
            self.ip(f"address del {address} dev eth0")

    @contextmanager
    def living(self, friend: Home) -> Iterator[None]:
        """Run the agent; its socket is a file, and so reached from here."""
        self.home.configure(
            friend.name,
            network={"listen": ":50007", "share_addresses": True, "port_mapping": False},
            tracker={"listen": ":50009", "listen_plain": ":50010"},
            link={"listen": ":50011"},
        )
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TUISHARE")}
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-m", "tuishare", "agent"],
            env=environment | {"TUISHARE_HOME": str(self.home.places.files)},
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    async def linked_since(self) -> int:
        """When the present link was opened, Unix seconds; 0: there is none."""
        async with AgentClient(self.home.places.socket) as client:
            return max((link.since for link in await client.links()), default=0)


@pytest.fixture
def machines(root: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two machines on one cable, without addresses."""
    prefix = f"tuishare-{os.getpid()}-{next(_numbers)}"
    alice, bob = (Machine(f"{prefix}-{name}", make_home(root, name)) for name in ("alice", "bob"))
    introduce(alice.home, bob.home)
    with ExitStack() as stack:
        for machine in (alice, bob):
            subprocess.run(["ip", "netns", "add", machine.name], check=True)
            stack.callback(subprocess.run, ["ip", "netns", "del", machine.name], check=False)
            machine.ip("link set lo up")
        alice.ip(f"link add eth0 type veth peer name eth0 netns {bob.name}")
        for machine in (alice, bob):
            machine.ip("link set eth0 up")
        yield alice, bob


async def become_known(alice: Machine, bob: Machine) -> None:
    """Let one join by an invitation of the other, once both answer."""
    for machine in (alice, bob):

        async def answers(machine: Machine = machine) -> bool:
            return is_listening(machine.home.places.socket)

        await answered(answers, bool)
    async with AgentClient(alice.home.places.socket) as client:
        text = (await client.invite(NewInvitation(until=int(time.time()) + 3600))).text
    async with AgentClient(bob.home.places.socket) as client:
        await client.join(InvitationText(text=text))
    for machine in (alice, bob):
        await answered(machine.linked_since, bool)


def end_of_second() -> int:
    """Wait until the present second is over, and return it."""
    now = int(time.time())
    wait_blocking(lambda: time.time() >= now + 1)
    return now


async def until_found(*machines: Machine, after: int) -> None:
    """Wait for a link that was opened after that second."""
    for machine in machines:
        await answered(machine.linked_since, lambda since: since > after, seconds=FOUND_SECONDS)


@pytest.mark.timeout(300)
async def test_who_moves_while_the_other_stays_is_found_again(machines: tuple[Machine, Machine]) -> None:
    alice, bob = machines
    alice.add(ONE)
    bob.add(OTHER)
    with alice.living(bob.home), bob.living(alice.home):
        await become_known(alice, bob)
        sent = []
        for mover, former, new in (
            (alice, ONE, "1.2.4.11/24"),
            (bob, OTHER, "1.2.4.12/24"),
            (alice, "1.2.4.11/24", ONE),
        ):
            second = await asyncio.to_thread(end_of_second)
            mover.remove(former)
            mover.add(new)
            await until_found(alice, bob, after=second)
            sent.append(fill(alice.home.drop / f"after {new.partition('/')[0]}"))
            await until_received(bob.home, *sent)


@pytest.mark.timeout(300)
async def test_one_family_takes_over_from_the_other(machines: tuple[Machine, Machine]) -> None:
    """IPv6 alone, then both, then IPv4 alone: both sides lose their addresses at once, and know the others'."""
    alice, bob = machines
    six, four = ("2a02:77::1/64", "2a02:77::2/64"), (ONE, OTHER)
    for machine, address in zip(machines, six, strict=True):
        machine.add(address)
    with alice.living(bob.home), bob.living(alice.home):
        await become_known(alice, bob)
        sent = [fill(alice.home.drop / "by IPv6")]
        await until_received(bob.home, *sent)
        for machine, address in zip(machines, four, strict=True):
            machine.add(address)

        async def addresses(machine: Machine) -> int:
            async with AgentClient(machine.home.places.socket) as client:
                return len((await client.links())[0].addresses)

        for machine in machines:
            await answered(lambda machine=machine: addresses(machine), lambda count: count >= 3)  # type: ignore[misc]
        second = await asyncio.to_thread(end_of_second)
        for machine, address in zip(machines, six, strict=True):
            machine.remove(address)
        await until_found(alice, bob, after=second)
        sent.append(fill(alice.home.drop / "by IPv4"))
        await until_received(bob.home, *sent)
