"""The conversation of two agents, over real SSH on loopback."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.link.agents import Agent, Contact, envelope, listening
from tests.link.samples import ALICE, BOB, CAROL
from tests.waiting import wait_until
from tuishare.errors import DiskRefused
from tuishare.link import messages
from tuishare.link.messages import Declined, Have, IntroductionAnswer, Later, ProblemMessage
from tuishare.link.outgoing import HandedOver
from tuishare.link.peer import LinkFailed
from tuishare.link.session import Session


@pytest.fixture
async def agents() -> AsyncIterator[tuple[Agent, Agent]]:
    alice, bob = Agent(ALICE), Agent(BOB)
    async with listening(alice, bob):
        alice.know(bob)
        bob.know(alice)
        yield alice, bob


def contact(one: Agent, other: Agent) -> Contact:
    return one.contacts[other.person.signer]


async def test_an_envelope_is_handed_over_and_the_receipt_stored(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    offer, content = envelope()
    async with alice.calling(bob) as session:
        outcome = await session.offer(offer, content)
    assert isinstance(outcome, HandedOver)
    assert contact(bob, alice).inbox == {offer.digest: content}
    assert contact(alice, bob).receipts == [outcome.receipt]


async def test_the_side_that_was_called_offers_likewise(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    offer, content = envelope()
    async with alice.calling(bob) as session:
        await session.wait_opened()
        await wait_until(lambda: len(bob.sessions) == 1)
        assert isinstance(await bob.sessions[0].offer(offer, content), HandedOver)
    assert contact(alice, bob).inbox == {offer.digest: content}


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 3_000_000])
async def test_contents_of_every_size_arrive_whole(agents: tuple[Agent, Agent], size: int) -> None:
    alice, bob = agents
    offer, content = envelope(size=size)
    async with alice.calling(bob) as session:
        await session.offer(offer, content)
    assert contact(bob, alice).inbox[offer.digest] == content


async def test_both_sides_offer_many_at_once(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    ours = [envelope(number, 1000 * number) for number in range(1, 90)]
    theirs = [envelope(number, 700 * number) for number in range(100, 190)]
    async with alice.calling(bob) as session:
        await session.wait_opened()
        await wait_until(lambda: len(bob.sessions) == 1)
        outcomes = await asyncio.gather(
            *(session.offer(*each) for each in ours), *(bob.sessions[0].offer(*each) for each in theirs)
        )
    assert all(isinstance(outcome, HandedOver) for outcome in outcomes)
    assert contact(bob, alice).inbox == {offer.digest: content for offer, content in ours}
    assert contact(alice, bob).inbox == {offer.digest: content for offer, content in theirs}


async def test_what_is_there_already_is_not_sent_again(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    offer, content = envelope()
    for _ in range(2):
        async with alice.calling(bob) as session:
            outcome = await session.offer(offer, content)
            assert isinstance(outcome, HandedOver)
            assert outcome.receipt is not None
    assert contact(bob, alice).taken == 1


async def test_later_and_refused_come_before_a_byte_is_sent(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    receiver = contact(bob, alice)
    offer, content = envelope(size=2_000_000)
    async with alice.calling(bob) as session:
        receiver.verdict = lambda offer: Later(offer.digest, 60, "over quota")
        assert await session.offer(offer, content) == Later(offer.digest, 60, "over quota")
        receiver.verdict = lambda offer: Declined(offer.digest, "removed")
        assert await session.offer(offer, content) == Declined(offer.digest, "removed")
        receiver.verdict = lambda _: None
        receiver.on_take = lambda offer: Later(offer.digest, 5, "the disk is full")
        assert await session.offer(offer, content) == Later(offer.digest, 5, "the disk is full")
        receiver.on_take = lambda _: None
        assert isinstance(await session.offer(offer, content), HandedOver)


async def test_a_receipt_sent_later_is_confirmed_and_kept_once(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    receipt = BOB.receipt(state="complete", info_hash=b"i" * 32)
    for _ in range(2):
        async with bob.calling(alice) as session:
            await session.deliver_receipt(receipt)
            assert len(contact(alice, bob).receipts) == 1


async def test_a_newer_record_replaces_the_known_one_and_an_older_does_not(
    agents: tuple[Agent, Agent],
) -> None:
    alice, bob = agents
    known = contact(bob, alice)
    async with alice.calling(bob) as session:
        await session.wait_opened()
        session.send_record(ALICE.record(5))
        session.send_record(ALICE.record(4))
        await wait_until(lambda: known.record is not None and known.record.sequence == 5)
        await session.deliver_receipt(ALICE.receipt())
    assert known.record is not None
    assert known.record.sequence == 5


async def test_what_keeps_the_contact_from_a_payload_is_told(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    problem = ProblemMessage(b"s" * 16, 1, "no-space")
    async with alice.calling(bob) as session:
        await session.wait_opened()
        session.tell_problem(problem)
        await wait_until(lambda: contact(bob, alice).problems == [problem])
    session.tell_problem(problem)  # nothing happens: it is told on the next link


async def test_an_offer_of_another_size_is_a_mistake_of_the_agent(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    offer, content = envelope()
    async with alice.calling(bob) as session:
        with pytest.raises(ValueError, match="another content"):
            await session.offer(offer, content[:-1])
        assert isinstance(await session.offer(offer, content), HandedOver)


async def test_an_offer_of_which_the_caller_gave_up_is_ended_all_the_same(
    agents: tuple[Agent, Agent],
) -> None:
    alice, bob = agents
    first, second = envelope(1, 2_000_000), envelope(2)
    async with alice.calling(bob) as session:
        await session.wait_opened()
        waiting = asyncio.create_task(session.offer(*first))
        await wait_until(lambda: first[0].digest in session._outgoing._offers)
        waiting.cancel()
        assert isinstance(await session.offer(*second), HandedOver)
        await wait_until(lambda: first[0].digest in contact(bob, alice).inbox)


async def test_after_the_end_every_call_fails_with_the_reason(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    async with alice.calling(bob) as session:
        await session.wait_opened()
        await wait_until(lambda: len(bob.sessions) == 1)
        receiver = contact(bob, alice)
        is_offered, gate = asyncio.Event(), asyncio.Event()

        async def judge(_: object) -> object:
            is_offered.set()
            await gate.wait()
            raise AssertionError

        receiver.judge = judge  # type: ignore[method-assign, assignment]
        waiting = asyncio.create_task(session.offer(*envelope()))
        await asyncio.wait_for(is_offered.wait(), 20)
        bob.sessions[0].close()
        with pytest.raises(LinkFailed, match="The other side ended the link"):
            await waiting
        for call in (session.offer(*envelope(2)), session.deliver_receipt(ALICE.receipt())):
            with pytest.raises(LinkFailed, match="The other side ended the link"):
                await call


async def test_a_side_that_is_alive_is_not_given_up(agents: tuple[Agent, Agent]) -> None:
    from tuishare.link.session import SessionTimes

    alice, bob = agents
    alice.times = bob.times = SessionTimes(hello=5, ping=0.05, silence=0.5)
    async with alice.calling(bob) as session:
        await session.wait_opened()
        await asyncio.sleep(1.0)
        assert isinstance(await session.offer(*envelope()), HandedOver)


async def test_a_side_that_falls_silent_is_given_up(agents: tuple[Agent, Agent]) -> None:
    from tuishare.link.session import SessionTimes

    alice, bob = agents
    alice.times = SessionTimes(hello=5, ping=0.1, silence=0.3)
    bob.times = SessionTimes(hello=5, ping=60, silence=60)
    async with alice.calling(bob) as session:
        await session.wait_opened()
        await wait_until(lambda: session._end is not None)
    assert "silent" in alice.ends[0].detail


async def test_a_mistake_of_the_agent_ends_the_link_and_is_raised(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents
    stream_errors: list[BaseException] = []

    async def serve(stream: object, peer: object, link_key: bytes, host: str) -> None:
        try:
            await Session(stream, peer, link_key).run()  # type: ignore[arg-type]
        except BaseExceptionGroup as error:
            stream_errors.extend(error.exceptions)

    assert bob.server is not None
    bob.server._serve = serve

    def burst(_: object) -> None:
        raise ZeroDivisionError

    contact(bob, alice).verdict = burst
    async with alice.calling(bob) as session:
        with pytest.raises(LinkFailed):
            await session.offer(*envelope())
    assert isinstance(stream_errors[0], ZeroDivisionError)


async def test_what_may_be_passed_on_comes_after_hello_and_with_each_record(
    agents: tuple[Agent, Agent],
) -> None:
    alice, bob = agents
    alice.introducible = ALICE.record(7)
    async with alice.calling(bob) as session:
        await wait_until(lambda: contact(bob, alice).introducible == ALICE.record(7))
        assert contact(alice, bob).introducible == b""
        alice.introducible = ALICE.record(9)
        session.send_record(ALICE.record(10))
        await wait_until(lambda: contact(bob, alice).introducible == ALICE.record(9))


SIGNED = ALICE.introduction(CAROL, BOB)
DIGEST = hashlib.sha256(SIGNED).digest()


@pytest.mark.parametrize("answer", [None, Later(DIGEST, 60, "full"), Declined(DIGEST, "no")])
async def test_an_introduction_is_answered_once_it_is_decided(
    agents: tuple[Agent, Agent], answer: Later | Declined | None
) -> None:
    alice, bob = agents
    contact(bob, alice).on_introduction = lambda _: answer
    async with alice.calling(bob) as session:
        answers = await asyncio.gather(session.introduce(SIGNED), session.introduce(SIGNED))
        assert set(answers) == {answer or Have(DIGEST)}
        assert isinstance(await session.offer(*envelope()), HandedOver)
    assert len(contact(bob, alice).introduced) == (answer is None)


async def test_an_introduction_is_sent_again_and_answers_that_come_late_are_taken(
    agents: tuple[Agent, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = agents
    keep, is_due = Contact.keep_introduction, asyncio.Event()

    async def keep_late(*given: Any) -> IntroductionAnswer:
        await is_due.wait()
        return await keep(*given)

    monkeypatch.setattr(Contact, "keep_introduction", keep_late)
    async with alice.calling(bob) as session:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(session.introduce(SIGNED), 0.05)
        is_due.set()
        assert await session.introduce(SIGNED) == Have(DIGEST)
        assert await session.introduce(SIGNED) == Have(DIGEST)
        assert isinstance(await session.offer(*envelope()), HandedOver)
        await wait_until(lambda: session._outgoing._introductions == {})


async def test_an_introduction_that_the_disk_refuses_is_to_come_again(agents: tuple[Agent, Agent]) -> None:
    alice, bob = agents

    def refuse(signed: bytes) -> None:
        raise DiskRefused("full")

    contact(bob, alice).on_introduction = refuse
    async with alice.calling(bob) as session:
        answer = await session.introduce(SIGNED)
        assert isinstance(answer, Later)
        assert "full" not in answer.reason


async def test_an_agent_that_knows_no_introductions_ignores_them(
    agents: tuple[Agent, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = agents
    async with alice.calling(bob) as session:
        await session.wait_opened()
        monkeypatch.setattr(messages, "KINDS", messages.KINDS - {"introduction"})
        waiting = asyncio.create_task(session.introduce(SIGNED))
        assert isinstance(await session.offer(*envelope()), HandedOver)
        assert not waiting.done()
        session.close()
        with pytest.raises(LinkFailed):
            await waiting
    assert contact(bob, alice).introduced == []
