"""One agent and its many recipients: how soon all of them have an envelope, and what their idle links cost.

Run as ``python -m tests.bench.bench_recipients``. The agent is a whole one with an engine, on loopback. Its contacts
are in a process of their own, each with keys and a link of its own, and put what they take into an inbox as agents do:
durably, before they give the receipt. Measured are: from sealed until the last of them has it, and from ``revoke``
until the last of the others has the renewal; memory and processor time of the idle links; and, between two whole
agents, from the start of one that was away until everything is delivered that was shared meanwhile. Fails if a figure
is worse than wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, make_home
from tests.bench.agents import LINK, connect, default_settle, make_friends, runner, seconds_until
from tests.bench.bench_latency import make_file
from tests.bench.bench_link import LIMITS, Numbered
from tests.bench.processes import until_idle
from tests.link.agents import Agent as Recipient
from tests.link.agents import Contact
from tests.waiting import answered, wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.client import AgentClient
from tuishare.api.messages import Link, NewInvitation, UserNamed
from tuishare.fs.atomic import publish
from tuishare.link.client import call_contact
from tuishare.link.dial import Destination
from tuishare.link.invitation import parse_invitation
from tuishare.link.messages import Declined, Later, Offer
from tuishare.link.server import LinkServer
from tuishare.link.session import Session
from tuishare.people import User

_GROUP = "crew"
_PATIENCE = 60.0
_AWAY = 20
"""Files that are shared while their recipient is away."""
_CALLED = 5
"""Seconds that they are called in vain before they come back."""
_WANTED = {"handed over": 1.0, "renewed": 2.0, "return": 3.0, "idle": 1.0, "memory": 10.0}


def people(count: int) -> list[Numbered]:
    """Make the contacts, the same ones in both processes."""
    return [Numbered(f"contact {number}", number + 1) for number in range(count)]


@dataclass
class _Inbox(Contact):
    """What a recipient does about the agent: puts each envelope into a folder, durably."""

    folder: Path = Path()

    async def take(self, offer: Offer, content: bytes) -> bytes | Later | Declined:
        name = f"{self.owner.person.number} {offer.share.hex()} {offer.generation}"
        await asyncio.to_thread(publish, self.folder / name, content)
        return await super().take(offer, content)


async def be_recipients(text: str, count: int, folder: Path) -> None:
    """Call, stay, and take what is offered, until standard input ends."""
    invitation = parse_invitation(text)
    destination = Destination(invitation.link_key, invitation.endpoints)
    sessions = []
    for person in people(count):
        recipient = Recipient(person)
        inbox = _Inbox(recipient, invitation.signer, folder=folder)
        session = Session(
            await call_contact(recipient.key, destination, recipient.record()), inbox, invitation.link_key
        )
        sessions.append(asyncio.create_task(session.run()))
        await session.wait_opened()
    print("linked", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextlib.asynccontextmanager
async def linked(alice: Home, agent: Agent, count: int, folder: Path) -> AsyncIterator[None]:
    """Have all contacts call the agent, and stay for one block."""
    async with AgentClient(alice.places.socket) as client:
        text = (await client.invite(NewInvitation(until=int(time.time()) + 3600))).text
    others = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bench_recipients", "--invitation", text),
        *("--contacts", str(count), "--folder", str(folder)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert others.stdout is not None
        assert await others.stdout.readline()
        await wait_until(lambda: sum(bool(link.since) for link in agent.view.links()) == count, seconds=60)
        yield
    finally:
        others.terminate()
        await others.wait()


@contextlib.contextmanager
def many_callers() -> Iterator[None]:
    """Let many contacts call from one address, as they do here."""
    usual = LinkServer.open
    LinkServer.open = functools.partial(usual, limits=LIMITS)  # type: ignore[method-assign]
    try:
        yield
    finally:
        LinkServer.open = usual  # type: ignore[method-assign]


def tell(what: str, figure: float, unit: str, wanted: float) -> bool:
    """Print a figure beside what is wanted; return whether it is reached."""
    load = f"load average {os.getloadavg()[0]:.1f}"
    print(f"{what}: {figure:.2f} {unit}, wanted {wanted:g} at most; {load}", flush=True)
    return figure <= wanted


async def measure_recipients(
    root: Path, count: int, contacts: int, seconds: float, rounds: int
) -> list[bool]:
    """Measure `contacts` idle links, then hand over to `count` of these contacts, several times."""
    alice, folder = make_home(root, "alice"), root / "inboxes"
    folder.mkdir()
    members = {person.name for person in people(count)}
    alice.know(
        *(
            User(each.name, card=each.card, verified=True, groups=(_GROUP,) if each.name in members else ())
            for each in people(contacts)
        )
    )
    alice.configure(f"@{_GROUP}", settle=default_settle(), link={**LINK, "connections": contacts})
    process = psutil.Process()
    with many_callers():
        async with running(alice) as agent:
            await until_idle(time.process_time)
            memory = process.memory_info().rss
            async with linked(alice, agent, contacts, folder):
                grown = (process.memory_info().rss - memory) / 2**20
                results = [tell(f"{contacts} idle links, memory", grown, "MiB", _WANTED["memory"])]
                idle = await _idle(seconds)
                results.append(
                    tell(f"{contacts} idle links, processor", idle, "% of a core", _WANTED["idle"])
                )
                took = [await _share_and_revoke(alice, folder, number, count) for number in range(rounds)]
    sealed, renewed = zip(*took, strict=True)
    return [
        *results,
        tell(f"sealed → in {count} inboxes", statistics.median(sealed), "s", _WANTED["handed over"]),
        tell(f"revoke → renewed for {count - 1}", statistics.median(renewed), "s", _WANTED["renewed"]),
    ]


async def _share_and_revoke(alice: Home, folder: Path, number: int, count: int) -> tuple[float, float]:
    """Share a file with all, revoke one of them; return how long each took until the last one had the envelope."""
    make_file(alice.places.files / f"file{number}").rename(alice.drop / f"file{number}")
    await wait_until(lambda: bool(os.listdir(alice.places.link_outgoing)), seconds=60)
    sealed = await _until_all_have(folder, count, time.perf_counter())
    async with AgentClient(alice.places.socket) as client:
        (share,) = [share for share in await client.shares() if share.name == f"file{number}"]
        await until_idle(time.process_time)
        started = time.perf_counter()
        await client.revoke_from_share(share.id, UserNamed(name="contact 0"))
        renewed = await _until_all_have(folder, count - 1, started)
    await until_idle(time.process_time)
    assert os.listdir(folder) == [], "a user who was revoked has got something"
    return sealed, renewed


async def _until_all_have(folder: Path, count: int, started: float) -> float:
    """Wait until so many envelopes have arrived; return since when, in seconds, and remove them."""

    def arrived() -> list[str]:
        return [name for name in os.listdir(folder) if name[0] != "."]

    await wait_until(lambda: len(arrived()) >= count, seconds=_PATIENCE, every=0.02)
    took = time.perf_counter() - started
    for name in arrived():
        (folder / name).unlink()
    return took


async def _idle(seconds: float) -> float:
    """Return how much of a core this process needs while nothing happens, percent."""
    await until_idle(time.process_time)
    before = time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - before) / seconds * 100


def _is_away(links: Sequence[Link]) -> bool:
    """Whether all files wait for a contact who has been called in vain for some time."""
    return sum(link.waiting for link in links) >= _AWAY and all(
        link.tried >= link.away + _CALLED for link in links
    )


async def measure_return(root: Path) -> bool:
    """Measure two whole agents, of which one was away."""
    alice, bob = make_friends(root, link=LINK)
    async with runner(alice):
        async with runner(bob):
            await connect(alice, bob)
        for number in range(_AWAY):
            make_file(root / f"file{number}").rename(alice.drop / f"file{number}")
        async with AgentClient(alice.places.socket) as client:
            await answered(client.links, _is_away, seconds=_PATIENCE, every=0.1)
        arrived, started = bob.downloads / "alice", time.perf_counter()
        async with runner(bob):
            print(f"the agent answers after {time.perf_counter() - started:.2f} s")
            took = await asyncio.to_thread(
                seconds_until,
                lambda: arrived.exists() and len(os.listdir(arrived)) == _AWAY,
                since=started,
            )
    return tell(f"start → {_AWAY} files delivered that were shared meanwhile", took, "s", _WANTED["return"])


def main() -> None:
    """Measure, or be the recipients of a run that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=100)
    parser.add_argument("--contacts", type=int, default=200, help="with idle links, recipients included")
    parser.add_argument("--seconds", type=float, default=45.0, help="that idle links are watched")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--invitation", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.invitation:
        asyncio.run(be_recipients(options.invitation, options.contacts, options.folder))
        return
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        good = asyncio.run(
            measure_recipients(
                Path(one), options.recipients, options.contacts, options.seconds, options.rounds
            )
        )
        good.append(asyncio.run(measure_return(Path(other))))
    if not all(good):
        sys.exit("a figure is worse than wanted")


if __name__ == "__main__":
    main()
