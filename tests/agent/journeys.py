"""What an agent may be doing when it is killed, from a prepared home to its end.

Each journey can be begun again and again from the same state. While it is under way, and after every crash, nothing
half may be seen; at its end nothing is lost or doubled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, introduce, is_idle, make_home
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.client import AgentClient
from tuishare.api.messages import ShareAction, ShareState
from tuishare.core.records import ShareStep
from tuishare.envelope import CardKey, open_envelope
from tuishare.errors import TuishareError

SIZE = 100_000
PATIENCE = 30.0


def contents(path: Path) -> dict[str, bytes]:
    """Everything that a payload holds, by name."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def seen(folder: Path) -> list[str]:
    """What a person sees in a folder."""
    return sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))


@dataclass
class Pair:
    """Alice who shares, Bob who receives, and the forms that her payload has had."""

    alice: Home
    bob: Home
    forms: list[dict[str, bytes]]

    @property
    def payload(self) -> Path:
        (entry,) = (self.alice.drop / name for name in seen(self.alice.drop))
        return entry

    def note_form(self) -> None:
        self.forms.append(contents(self.payload))


def make_pair(root: Path) -> Pair:
    alice, bob = make_home(root, "alice"), make_home(root, "bob")
    introduce(alice, bob)
    made = alice.drop / "x"
    made.mkdir()
    for name in "ab":
        fill(made / name, SIZE)
    pair = Pair(alice, bob, [])
    pair.note_form()
    return pair


async def until_seeded(agent: Agent, name: str, generation: int) -> None:
    def done() -> bool:
        shares = [(share.name, share.generation, share.state) for share in agent.view.shares()]
        return shares == [(name, generation, ShareState.SEEDING)] and is_idle(agent._drops.queue)

    await wait_until(done, seconds=PATIENCE)


class Journey(ABC):
    """One journey; `sender` tells whose agent is on it."""

    sender = True

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    @property
    def home(self) -> Home:
        return self.pair.alice if self.sender else self.pair.bob

    @property
    def homes(self) -> tuple[Home, ...]:
        """Those that are put back to where it begins."""
        return (self.home,)

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Bring the homes to where it begins; what it needs of others works until the block ends."""
        async with running(self.pair.alice) as agent:
            await until_seeded(agent, "x", 1)
        yield

    @contextlib.asynccontextmanager
    async def accompanied(self) -> AsyncIterator[None]:
        """Run, from where it begins to its end, what others do each time."""
        yield

    async def order(self, client: AgentClient) -> None:
        """Ask for what a person has to ask for; called until `is_over`, and again after a crash."""
        del client  # most journeys need nobody

    @abstractmethod
    def is_over(self) -> bool:
        """Whether the end can be seen from outside."""

    def check_halfway(self) -> None:
        """Nothing half may be seen."""
        key = CardKey(self.pair.bob.identity.private_key)
        for envelope in seen(self.pair.alice.outbox):
            with contextlib.suppress(
                FileNotFoundError
            ):  # Alice's agent works on: Bob has it by link just now
                open_envelope((self.pair.alice.outbox / envelope).read_bytes(), [key])
        for landed in self.landed():
            assert contents(landed) in self.pair.forms, landed
        inbox = self.pair.bob.inbox
        for folder in (inbox, inbox / "accepted", inbox / "rejected"):
            for path in folder.glob("[!.]*.encrypted"):
                open_envelope(path.read_bytes(), [key])

    def landed(self) -> list[Path]:
        folder = self.pair.bob.downloads / "alice"
        return [folder / name for name in seen(folder)] if folder.exists() else []

    async def come_to_end(self, agent: Agent) -> None:
        """Wait for what follows by itself once it is over."""
        del agent  # for most journeys nothing does

    @abstractmethod
    def check(self, agent: Agent) -> None:
        """Nothing is lost, doubled or half done."""


class SenderJourney(Journey):
    """Of a share."""

    name = "x"
    generations = frozenset({1})

    def is_over(self) -> bool:
        return seen(self.pair.alice.outbox) == [f"{self.name}.torrent.encrypted"]

    def check(self, agent: Agent) -> None:
        (share,) = agent._drops.repository.shares.values()
        assert (share.name, share.step, share.problem) == (self.name, ShareStep.SEEDING, "")
        assert share.generation in self.generations, share.generation
        assert set(agent._context.engine.all_progress()) == {share.info_hash}
        assert os.listdir(self.pair.alice.outbox) == [f"{self.name}.torrent.encrypted"]
        envelope = self.pair.alice.outbox / share.envelope
        manifest = open_envelope(
            envelope.read_bytes(), [CardKey(self.pair.bob.identity.private_key)]
        ).manifest
        assert (manifest.share_id.hex(), manifest.generation) == (share.id, share.generation)
        assert (manifest.torrent, manifest.root_certificate) == (share.torrent, share.root_certificate)


class Drop(SenderJourney):
    """A new folder becomes a share."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        yield


class Change(SenderJourney):
    """One of its files changes: the next generation."""

    # A crash between hashing and sealing may cost a number, because the envelope might have been out.
    generations = frozenset({2, 3})

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with super().prepared():
            (self.pair.alice.outbox / "x.torrent.encrypted").unlink()  # sent
            rewrite(self.pair.payload / "a")
            self.pair.note_form()
            yield


class Rename(SenderJourney):
    """It gets another name."""

    name = "y"
    generations = frozenset({2, 3})

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with super().prepared():
            self.pair.payload.rename(self.pair.alice.drop / "y")
            yield


class Gone(SenderJourney):
    """Its end: nobody is served, the envelope is taken back."""

    step = ShareStep.WITHDRAWN

    def is_over(self) -> bool:
        return seen(self.pair.alice.outbox) == []

    def check(self, agent: Agent) -> None:
        steps = [share.step for share in agent._drops.repository.shares.values()]
        assert steps in ([], [self.step])
        assert agent._context.engine.all_progress() == {}
        assert os.listdir(self.pair.alice.outbox) == []


class Withdraw(Gone):
    """Its entry is deleted."""

    @contextlib.asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        async with super().prepared():
            shutil.rmtree(self.pair.payload)
            yield


class Ordered(Gone):
    """Its end by a person's wish."""

    wish = ShareAction.FORGET

    async def order(self, client: AgentClient) -> None:
        for share in await client.shares():
            await client.order_share(share.id, self.wish)


class Forget(Ordered):
    """Forgotten: the payload stays."""

    step = ShareStep.FORGOTTEN

    def check(self, agent: Agent) -> None:
        super().check(agent)
        assert contents(self.pair.payload) == self.pair.forms[-1]


class Delete(Ordered):
    """Deleted with its payload."""

    step = ShareStep.DELETING
    wish = ShareAction.DELETE

    def is_over(self) -> bool:
        return super().is_over() and seen(self.pair.alice.drop) == []

    def check(self, agent: Agent) -> None:
        super().check(agent)
        assert seen(self.pair.alice.drop) == []


def rewrite(path: Path) -> None:
    """Change a file as careful programs do, so that other names of the former file keep what they hold."""
    fill(path.with_name("new"), SIZE).replace(path)


SENDING: tuple[type[Journey], ...] = (Drop, Change, Rename, Withdraw, Forget, Delete)


async def ask(journey: Journey) -> None:
    """Ask for what the journey needs until it is over; an agent that is not there is asked again."""
    while not journey.is_over():
        with contextlib.suppress(TuishareError, OSError):
            async with AgentClient(journey.home.places.socket, silence=PATIENCE) as client:
                await journey.order(client)
        await asyncio.sleep(0.01)
