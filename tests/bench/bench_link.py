"""Links: how long a call and a hand-over take, and what idle links cost.

Run as ``python -m tests.bench.bench_link``. One agent with its link port is here; its contacts are in a process of
their own, each with keys of its own, all on loopback. Hand-over: from the offer to the stored receipt, one after the
other over one link; then one envelope to each contact at once. Fails if a figure is worse than wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.link.agents import Agent, envelope, listening
from tests.link.samples import ALICE, Person
from tests.waiting import wait_until
from tuishare.link.client import call_contact
from tuishare.link.connection_admission import LinkLimits
from tuishare.link.dial import Destination
from tuishare.link.link_key import LinkKey
from tuishare.link.outgoing import HandedOver
from tuishare.link.session import Session
from tuishare.net.endpoints import Endpoint

LIMITS = LinkLimits(
    connections=512, per_address=512, per_site=512, per_provider=512, burst=10_000, turn_seconds=0
)
"""All contacts have one address here."""


@dataclass(frozen=True)
class Numbered(Person):
    """One of many people, with a number up to 255."""

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.number.to_bytes(32, "big"))

    @property
    def link_key(self) -> LinkKey:
        return LinkKey.from_seed((self.number + 2**32).to_bytes(32, "big"))


def contacts(count: int) -> list[Agent]:
    """Make the contacts, the same ones in both processes."""
    return [Agent(Numbered(f"contact {number}", number + 1)) for number in range(count)]


async def be_contacts(port: int, count: int) -> None:
    """Call, stay, and take what is offered, until standard input ends."""
    alice = Agent(ALICE)
    sessions = []
    took = []
    for agent in contacts(count):
        agent.know(alice)
        since = time.perf_counter()
        destination = Destination(alice.key.public_key, [Endpoint("127.0.0.1", port)])
        stream = await call_contact(agent.key, destination, agent.record())
        session = Session(stream, agent.contacts[ALICE.signer], alice.key.public_key)
        sessions.append(asyncio.create_task(session.run()))
        await session.wait_opened()
        took.append(time.perf_counter() - since)
    print(statistics.median(took), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def measure(count: int, rounds: int, seconds: float) -> bool:
    """Print the figures; return whether all are as wanted."""
    alice = Agent(ALICE)
    process = psutil.Process()
    async with listening(alice, limits=LIMITS):
        for agent in contacts(count):
            alice.know(agent)
        memory = process.memory_info().rss
        others = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.bench_link", "--port", str(alice.endpoint.port)),
            *("--contacts", str(count)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert others.stdout is not None
        print(
            f"call until both have said hello: {float(await others.stdout.readline()) * 1000:.1f} ms, median"
        )
        await wait_until(lambda: len(alice.sessions) == count)
        grown = (process.memory_info().rss - memory) / 2**20
        times = process.cpu_times()
        await asyncio.sleep(seconds)
        now = process.cpu_times()
        load = (now.user + now.system - times.user - times.system) / seconds
        print(f"{count} idle links: {grown:.1f} MiB, {load:.2%} of a core")
        took = [await _hand_over(alice.sessions[0], number) for number in range(rounds)]
        print(f"16 kB handed over: {statistics.median(took) * 1000:.2f} ms, median of {rounds}")
        since = time.perf_counter()
        await asyncio.gather(*(_hand_over(session, 10**6 + n) for n, session in enumerate(alice.sessions)))
        everyone = time.perf_counter() - since
        print(f"16 kB handed over to each of {count}: {everyone:.2f} s")
        others.terminate()
        await others.wait()
    return (
        statistics.median(took) < 0.01 and everyone < count / 100 and load < 0.01 and grown < count / 20 + 5
    )


async def _hand_over(session: Session, number: int) -> float:
    since = time.perf_counter()
    assert isinstance(await session.offer(*envelope(number)), HandedOver)
    return time.perf_counter() - since


def main() -> None:
    """Measure, or be the contacts of a run that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=45.0, help="that idle links are watched")
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.port:
        asyncio.run(be_contacts(options.port, options.contacts))
    elif not asyncio.run(measure(options.contacts, options.rounds, options.seconds)):
        sys.exit("a figure is worse than wanted")


if __name__ == "__main__":
    main()
