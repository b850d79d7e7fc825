"""A contact whose agent breaks a rule: the link ends, with the reason, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.link.agents import Agent, Contact, envelope, listening
from tests.link.samples import ALICE, BOB, CAROL, MALLORY
from tests.waiting import wait_until
from tuishare.envelope import canonical
from tuishare.errors import DiskRefused
from tuishare.link import incoming, session
from tuishare.link.client import call_contact
from tuishare.link.content_budget import ContentBudget
from tuishare.link.frames import BrokenRule
from tuishare.link.message_rates import MessageRates
from tuishare.link.messages import (
    ContactMessage,
    Have,
    Hello,
    Introduce,
    IntroducibleRecord,
    IntroductionMessage,
    Later,
    NewRecord,
    Offer,
    OfferAnswer,
    Ping,
    ReceiptMessage,
    Taken,
    Want,
    decode_message,
    encode_content_head,
    encode_message,
)
from tuishare.link.peer import LinkStream

OFFER, CONTENT = envelope(1, 1000)
OTHER, OTHER_CONTENT = envelope(2, 1000)
D = OFFER.digest
HELLO = Hello((1,), BOB.record())


def piece(content: bytes) -> bytes:
    return encode_content_head(len(content)) + content


def many_offers() -> bytes:
    return b"".join(encode_message(envelope(number, 10)[0]) for number in range(65))


@pytest.fixture
async def agents() -> AsyncIterator[tuple[Agent, Contact]]:
    alice, bob = Agent(ALICE), Agent(BOB)
    async with listening(alice):
        yield alice, alice.know(bob)


async def say(alice: Agent, *frames: bytes, hello: Hello = HELLO) -> LinkStream:
    stream = await call_contact(BOB.link_key, alice.destination, BOB.record())
    for frame in (encode_message(hello), *frames):
        stream.write(frame)
    return stream


def frame(fields: object) -> bytes:
    data = canonical.encode(fields)
    return len(data).to_bytes(4, "big") + data


BROKEN: dict[str, tuple[Sequence[bytes], str]] = {
    "noise": ([b"\0\0\0\x04what"], "ill-formed"),
    "an unknown field": ([frame({"kind": "ping", "later": 1})], "ill-formed"),
    "an empty frame": ([b"\0\0\0\0"], "size"),
    "a frame too long": ([b"\0\x01\0\x01"], "size"),
    "a second hello": ([encode_message(HELLO)], "second hello"),
    "an introduction": ([encode_message(Introduce(BOB.record()))], "ill-formed"),
    "content not wanted": ([piece(b"data")], "not wanted"),
    "content too long": ([encode_message(OFFER), piece(CONTENT + b"x")], "longer than offered"),
    "other content": ([encode_message(OFFER), piece(OTHER_CONTENT)], "not offered"),
    "an offer twice": ([encode_message(OFFER) * 2], "one twice"),
    "too many offers": ([many_offers()], "too many offers"),
    "want of nothing": ([encode_message(Want(D))], "not offered"),
    "later of nothing": ([encode_message(Later(D, 1, ""))], "not offered"),
    "have of nothing": ([encode_message(Have(D))], "not offered"),
    "taken of nothing": ([encode_message(Taken(BOB.receipt()))], "not offered"),
    "a receipt of another": ([encode_message(ReceiptMessage(MALLORY.receipt()))], "another identity"),
    "a forged receipt": ([encode_message(ReceiptMessage(BOB.receipt()[:-1] + b"\0"))], "not valid"),
    "an introducible record of another": (
        [encode_message(IntroducibleRecord(MALLORY.record()))],
        "of another identity",
    ),
    "an introduction by another": (
        [encode_message(IntroductionMessage(MALLORY.introduction(CAROL, ALICE)))],
        "another identity",
    ),
    "a forged introduction": (
        [encode_message(IntroductionMessage(BOB.introduction(CAROL, ALICE)[:-1] + b"\0"))],
        "not valid",
    ),
    "a record of another": ([encode_message(NewRecord(MALLORY.record(9)))], "another identity"),
    "a forged record": ([encode_message(NewRecord(BOB.record(9)[:-1] + b"\0"))], "not valid"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_rule_ends_the_link(agents: tuple[Agent, Contact], what: str) -> None:
    alice, bob = agents
    frames, rule = BROKEN[what]
    never = asyncio.Event()

    async def judge(offer: Offer) -> OfferAnswer:
        if what in {"an offer twice", "too many offers"}:
            await never.wait()
        return Want(offer.digest)

    bob.judge = judge  # type: ignore[method-assign]
    stream = await say(alice, *frames[:1])
    if len(frames) > 1:
        await wait_until(lambda: bool(alice.sessions and alice.sessions[0]._incoming._wanted))
        stream.write(frames[1])
    await wait_until(lambda: len(alice.ends) == 1)
    assert rule in alice.ends[0].detail
    assert (bob.inbox, bob.receipts, bob.introduced) == ({}, [], [])
    assert bob.record is not None
    assert bob.record.sequence == 1


@pytest.mark.parametrize(
    ("hello", "reason"),
    [
        (Hello((2, 3), BOB.record()), "another version"),
        (Hello((1,), MALLORY.record()), "another identity"),
        (Hello((1,), BOB.record(link_key=MALLORY.link_key.public_key)), "another link key"),
        (Hello((1,), b"?"), "not valid"),
    ],
)
async def test_a_hello_that_does_not_fit_ends_the_link(
    agents: tuple[Agent, Contact], hello: Hello, reason: str
) -> None:
    alice, _ = agents
    await say(alice, hello=hello)
    await wait_until(lambda: len(alice.ends) == 1)
    assert reason in alice.ends[0].detail


async def test_hello_must_come_first(agents: tuple[Agent, Contact]) -> None:
    alice, _ = agents
    stream = await call_contact(BOB.link_key, alice.destination, BOB.record())
    stream.write(encode_message(Ping()))
    await wait_until(lambda: len(alice.ends) == 1)
    assert "hello" in alice.ends[0].detail


async def test_what_a_later_version_says_is_ignored(agents: tuple[Agent, Contact]) -> None:
    alice, bob = agents
    stream = await say(alice, frame({"kind": "typing", "text": "x"}), encode_message(OFFER))
    await wait_until(lambda: bool(alice.sessions and alice.sessions[0]._incoming._wanted))
    stream.write(piece(CONTENT))
    await wait_until(lambda: bob.inbox == {D: CONTENT})
    stream.close()


async def receive(stream: LinkStream) -> object:
    size = int.from_bytes(await stream.read(4), "big")
    return decode_message(await stream.read(size))


@pytest.mark.parametrize(
    ("answers", "rule"),
    [
        ([Want(D), Want(D)], "second want"),
        ([Taken(BOB.receipt(D, OFFER.share, 1))], "wrong time"),
        ([Have(D, BOB.receipt(D, OFFER.share, 2))], "another envelope"),
        ([Have(D, MALLORY.receipt(D, OFFER.share, 1))], "another identity"),
    ],
)
async def test_an_answer_that_does_not_fit_ends_the_link(
    agents: tuple[Agent, Contact], answers: Sequence[OfferAnswer | Taken], rule: str
) -> None:
    alice, bob = agents
    stream = await say(alice)
    assert isinstance(await receive(stream), Hello)
    offering = asyncio.create_task(alice.sessions[0].offer(OFFER, CONTENT))
    assert await receive(stream) == OFFER
    stream.write(b"".join(map(encode_message, answers)))
    await wait_until(lambda: len(alice.ends) == 1)
    assert rule in alice.ends[0].detail
    assert bob.receipts == []
    assert (await asyncio.gather(offering, return_exceptions=True))[0] is not None


async def test_a_receipt_for_another_share_does_not_count(agents: tuple[Agent, Contact]) -> None:
    alice, bob = agents
    stream = await say(alice)
    assert isinstance(await receive(stream), Hello)
    offering = asyncio.create_task(alice.sessions[0].offer(OFFER, CONTENT))
    assert await receive(stream) == OFFER
    stream.write(encode_message(Want(D)))
    assert len(await stream.read(4 + len(CONTENT))) == 1004
    stream.write(encode_message(Taken(BOB.receipt(D, b"x" * 16, 1))))
    await wait_until(lambda: len(alice.ends) == 1)
    assert "another envelope" in alice.ends[0].detail
    assert bob.receipts == []
    await asyncio.gather(offering, return_exceptions=True)


async def test_content_that_comes_too_slowly_ends_the_link(
    agents: tuple[Agent, Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "_GRACE_SECONDS", 0.1)
    alice, bob = agents
    await say(alice, encode_message(OFFER))
    await wait_until(lambda: len(alice.ends) == 1)
    assert "too slowly" in alice.ends[0].detail
    assert bob.inbox == {}


async def test_large_envelopes_are_wanted_one_by_one(agents: tuple[Agent, Contact]) -> None:
    """However many are offered, one is in memory."""
    alice, _ = agents
    offers = [envelope(number, 900_000)[0] for number in range(5)]
    stream = await say(alice, *map(encode_message, offers))
    assert isinstance(await receive(stream), Hello)
    assert await receive(stream) == Want(offers[0].digest)
    session = alice.sessions[0]
    offered = session._incoming
    await wait_until(lambda: len(offered._unsettled) == len(offers) and offered._room is not None)
    assert len(offered._wanted) == 1
    assert session._incoming._budget.free == 64 * 2**20 - 900_000
    stream.close()
    await wait_until(lambda: len(alice.ends) == 1)
    assert session._incoming._budget.free == 64 * 2**20


async def test_trouble_of_the_agent_is_later_for_the_contact(agents: tuple[Agent, Contact]) -> None:
    alice, bob = agents

    def trouble(_: Offer) -> OfferAnswer:
        raise DiskRefused("Cannot write /home/alice/secret: no space left on device", full=True)

    bob.verdict = trouble
    stream = await say(alice, encode_message(OFFER))
    assert isinstance(await receive(stream), Hello)
    answer = await receive(stream)
    assert isinstance(answer, Later)
    assert "secret" not in answer.reason
    assert hashlib.sha256(CONTENT).digest() == answer.digest


async def test_a_contact_who_floods_is_read_more_slowly_over_all_their_links(
    agents: tuple[Agent, Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T23: pings, unknown messages, records and receipts; nothing of it is lost."""
    alice, bob = agents
    burst, rate = 20, 100.0
    alice.rates = MessageRates(burst, rate)
    handled: list[bytes] = []

    def decode(data: bytes) -> object:
        handled.append(data)
        return decode_message(data)

    monkeypatch.setattr(session, "_decode", decode)
    flood = [encode_message(Ping()), frame({"kind": "typing"}), encode_message(NewRecord(BOB.record(2)))] * 30
    began = asyncio.get_running_loop().time()
    for _ in range(2):
        await say(alice, *flood, encode_message(ReceiptMessage(BOB.receipt())))
    sent = 2 * (len(flood) + 2)  # and what begins each link, and its receipt
    await wait_until(lambda: len(bob.receipts) == 1 and len(handled) == sent)
    assert asyncio.get_running_loop().time() - began > (sent - burst) / rate - 0.1


async def test_a_contact_who_reads_no_answers_gets_no_more_of_them() -> None:
    """T23: what waits to be sent to them stays small."""
    judged: list[Offer] = []

    def judge(offer: Offer) -> Later:
        judged.append(offer)
        return Later(offer.digest, 1, "")

    contact = Contact(Agent(ALICE), BOB.signer, verdict=judge)
    is_said, is_read = asyncio.Event(), asyncio.Event()

    async def answer(message: ContactMessage) -> None:
        is_said.set()
        await is_read.wait()

    tasks: list[asyncio.Task[None]] = []
    receiving = incoming.Incoming(
        contact, lambda work: tasks.append(asyncio.create_task(work)), answer, ContentBudget(), 64
    )
    for number in range(64):
        receiving.add_offer(Offer(number.to_bytes(32, "big"), 10, b"s" * 16, 1))
    await asyncio.wait_for(is_said.wait(), 20)
    assert len(judged) == 1
    receiving.add_offer(OTHER)  # the first was answered
    with pytest.raises(BrokenRule):
        receiving.add_offer(OFFER)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
