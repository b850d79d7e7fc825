"""A link that breaks at every message, and in the middle of each: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from tests.link.agents import Agent, Contact, envelope, listening
from tests.link.forwarder import Forwarder, forwarding
from tests.link.samples import ALICE, BOB, CAROL, MALLORY
from tests.waiting import wait_until
from tuishare.link.client import call_contact
from tuishare.link.dial import Destination
from tuishare.link.messages import Have, Offer
from tuishare.link.outgoing import HandedOver
from tuishare.link.peer import LinkFailed, LinkPeer, LinkStream
from tuishare.link.session import Session

OURS = [envelope(1), envelope(2, 150_000), envelope(3, 1)]
THEIRS = [envelope(4), envelope(5, 70_000)]


@dataclass
class Scissors:
    """Cuts the link at one write of one side.

    Attributes:
        at: number of the write, counted from 0; negative: never.
        part: how much of it still goes: nothing, half, or all.
    """

    at: int
    part: float
    writes: int = 0
    has_cut: bool = False

    def around(self, stream: LinkStream) -> CutStream:
        return CutStream(stream, self)


class CutStream:
    def __init__(self, stream: LinkStream, scissors: Scissors) -> None:
        self._stream = stream
        self._scissors = scissors
        self.read, self.drain, self.close = stream.read, stream.drain, stream.close

    def write(self, data: bytes) -> None:
        scissors = self._scissors
        if scissors.writes == scissors.at and not scissors.has_cut:
            scissors.has_cut = True
            self._stream.write(data[: int(len(data) * scissors.part)])
            self._stream.close()
        scissors.writes += 1
        self._stream.write(data)


class CutAgent(Agent):
    """An agent that is called, whose links break."""

    scissors = Scissors(-1, 0)

    async def serve(self, stream: LinkStream, peer: LinkPeer, link_key: bytes, host: str) -> None:
        await super().serve(self.scissors.around(stream), peer, link_key, host)


RECEIPTS = {
    ALICE: ALICE.receipt(state="complete", info_hash=b"i" * 32),
    BOB: BOB.receipt(state="refused", generation=2),
}


INTRODUCTIONS = {
    ALICE: [ALICE.introduction(CAROL, BOB), ALICE.introduction(MALLORY, BOB)],
    BOB: [BOB.introduction(CAROL, ALICE)],
}


async def hand_over(session: Session, queue: dict[bytes, tuple[Offer, bytes]], agent: Agent) -> None:
    """Do what an agent does on a link: send whatever the other side is not known to have stored."""
    receipts, introductions = agent.receipts_due, agent.introductions_due  # type: ignore[attr-defined]

    async def offer(digest: bytes) -> None:
        outcome = await session.offer(*queue[digest])
        assert isinstance(outcome, HandedOver)
        assert outcome.receipt is not None
        del queue[digest]

    async def deliver() -> None:
        for receipt in list(receipts):
            await session.deliver_receipt(receipt)
            receipts.remove(receipt)

    async def introduce() -> None:
        for signed in list(introductions):
            assert isinstance(await session.introduce(signed), Have)
            introductions.remove(signed)

    results = await asyncio.gather(
        *(offer(each) for each in list(queue)), deliver(), introduce(), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, LinkFailed):
            raise result


async def one_link(
    alice: Agent, bob: Agent, scissors: Scissors, *queues: dict[bytes, tuple[Offer, bytes]]
) -> None:
    """Let Alice call Bob, and both hand over what they have until the link breaks or nothing is left."""
    known = len(bob.sessions)
    stream = await call_contact(alice.key, bob.destination, alice.record())
    session = Session(scissors.around(stream), alice.contacts[BOB.signer], bob.key.public_key)
    running = asyncio.create_task(session.run())
    try:
        await wait_until(lambda: len(bob.sessions) > known or running.done())
        if len(bob.sessions) > known:
            await asyncio.gather(
                hand_over(session, queues[0], alice), hand_over(bob.sessions[known], queues[1], bob)
            )
    finally:
        session.close()
        await running
        await wait_until(lambda: len(bob.ends) == len(bob.sessions))


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("side", ["caller", "called"])
async def test_a_link_may_break_at_every_message(side: str, part: float) -> None:
    at, was_cut = 0, True
    alice, bob = Agent(ALICE), CutAgent(BOB)
    async with listening(alice, bob):
        while was_cut:
            to_bob, to_alice = know_each_other(alice, bob)
            scissors = Scissors(at, part)
            bob.scissors = scissors if side == "called" else Scissors(-1, 0)
            ours = scissors if side == "caller" else Scissors(-1, 0)
            queues = (
                {offer.digest: (offer, content) for offer, content in OURS},
                {offer.digest: (offer, content) for offer, content in THEIRS},
            )
            for _ in range(4):
                await one_link(alice, bob, ours, *queues)
                if not any((*queues, *due(alice), *due(bob))):
                    break
            assert (*due(alice), *due(bob)) == ([], [], [], []), at
            assert queues == ({}, {}), at
            assert to_bob.inbox == {offer.digest: content for offer, content in OURS}
            assert to_alice.inbox == {offer.digest: content for offer, content in THEIRS}
            assert (to_bob.taken, to_alice.taken) == (len(OURS), len(THEIRS))
            assert len(to_bob.receipts) == len(THEIRS) + 1
            assert len(to_alice.receipts) == len(OURS) + 1
            assert (len(to_bob.introduced), len(to_alice.introduced)) == (2, 1)
            was_cut = scissors.has_cut
            at += 1
    assert at > 10


def due(agent: Agent) -> tuple[list[bytes], list[bytes]]:
    return agent.receipts_due, agent.introductions_due  # type: ignore[attr-defined]


def know_each_other(alice: Agent, bob: Agent) -> tuple[Contact, Contact]:
    """Begin with empty inboxes; return what Bob has of Alice, and Alice of Bob."""
    for agent in (alice, bob):
        agent.sessions.clear()
        agent.ends.clear()
        agent.receipts_due = [RECEIPTS[agent.person]]  # type: ignore[attr-defined]
        agent.introductions_due = list(INTRODUCTIONS[agent.person])  # type: ignore[attr-defined]
    to_alice, to_bob = alice.know(bob), bob.know(alice)
    return to_bob, to_alice


@pytest.mark.parametrize("seed", range(6))
async def test_a_connection_may_break_at_every_byte(seed: int) -> None:
    """Below SSH, by what stands between: the caller learns it, and hands over with the next link."""
    alice, bob = Agent(ALICE), Agent(BOB)
    offer, content = envelope(7, 300_000)
    async with listening(alice, bob):
        to_bob, _ = know_each_other(alice, bob)
        async with forwarding(bob.endpoint) as forwarder:
            forwarder.most = 5_000 + 45_000 * seed
            with pytest.raises(LinkFailed):
                await through(forwarder, alice, bob, offer, content)
        async with alice.calling(bob) as session:
            assert isinstance(await session.offer(offer, content), HandedOver)
        assert to_bob.inbox == {offer.digest: content}
        assert to_bob.taken == 1


async def through(forwarder: Forwarder, alice: Agent, bob: Agent, offer: Offer, content: bytes) -> None:
    destination = Destination(bob.key.public_key, [forwarder.endpoint])
    stream = await call_contact(alice.key, destination, alice.record())
    session = Session(stream, alice.contacts[BOB.signer], bob.key.public_key)
    running = asyncio.create_task(session.run())
    try:
        await session.offer(offer, content)
    finally:
        session.close()
        await running
