"""Whom an agent introduces to whom: recorded once, sent as things are at that moment, and by itself where wanted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from tests.agent.agent_pairs import KEY, running
from tests.agent.homes import Home
from tests.agent.link.linked import LINK
from tests.link.samples import ADDRESSES, BOB, CAROL, MALLORY, NOW, Person
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.link import given_introductions as module
from tuishare.agent.link.given_introductions import GivenIntroductions
from tuishare.api.messages import GroupChange, UserChange, UserNamed, UsersToIntroduce
from tuishare.core.introduction_records import GivenIntroduction
from tuishare.errors import NotFound, Refused
from tuishare.link.address_record import HubAddress, read_record, sign_record
from tuishare.link.introduction import Introduction, read_introduction
from tuishare.link.messages import Declined, Have, IntroductionAnswer, Later
from tuishare.people import User

pytestmark = pytest.mark.swarm


def user(person: Person, *groups: str, verified: bool = True) -> User:
    return User(person.name, card=person.card, groups=groups, verified=verified)


@pytest.fixture
async def agent(alice: Home) -> AsyncIterator[Agent]:
    alice.know(
        user(BOB, "crew"),
        user(CAROL, "Crew"),
        user(MALLORY, "crew", verified=False),
        User("eve", key=KEY, groups=("crew",)),
    )
    alice.configure(link=LINK)
    async with running(alice) as opened:
        yield opened


def given(agent: Agent) -> GivenIntroductions:
    return agent._parts.link.introductions.given


def sent(agent: Agent, to: Person) -> list[Introduction]:
    signed = [given(agent).sign(record) for record in given(agent).waiting(to.signer)]
    return [read_introduction(each) for each in signed if each is not None]


async def test_the_write_key_of_a_mailbox_is_told_to_no_one_by_an_introduction(agent: Agent) -> None:
    contacts = agent._parts.link.contacts
    hub = HubAddress("192.0.2.9:50012", b"h" * 32, b"m" * 16, b"w" * 32)
    in_a_hub = sign_record(
        CAROL.signing_key,
        link_key=CAROL.link_key.public_key,
        sequence=2,
        issued=NOW,
        addresses=ADDRESSES,
        hub=hub,
    )
    await introduce(agent, "bob", "carol")
    for signed, told in (
        (CAROL.record(1), CAROL.record(1)),
        (in_a_hub, b""),
        (CAROL.record(3), CAROL.record(3)),
    ):
        await contacts.keep(read_record(signed), signed)
        (to_bob,) = sent(agent, BOB)
        assert to_bob.record == told


def record_in_a_hub(sequence: int, *, link_key: bytes = CAROL.link_key.public_key) -> bytes:
    hub = HubAddress("192.0.2.9:50012", b"h" * 32, b"m" * 16, b"w" * 32)
    return sign_record(
        CAROL.signing_key, link_key=link_key, sequence=sequence, issued=NOW, addresses=ADDRESSES, hub=hub
    )


async def test_a_member_of_a_hub_is_introduced_with_the_record_that_they_let_pass_on(agent: Agent) -> None:
    contacts = agent._parts.link.contacts

    async def keep(signed: bytes) -> bytes:
        await contacts.keep_introducible(read_record(signed), signed)
        (to_bob,) = sent(agent, BOB)
        return to_bob.record

    await introduce(agent, "bob", "carol")
    assert await keep(CAROL.record(3)) == b""  # of one whose address record is not known
    full = record_in_a_hub(6)
    await contacts.keep(read_record(full), full)
    assert await keep(record_in_a_hub(5)) == b""
    assert await keep(CAROL.record(5)) == CAROL.record(5)
    assert await keep(CAROL.record(4)) == CAROL.record(5)
    assert await keep(CAROL.record(6)) == CAROL.record(5)  # it would take the place of the record itself
    stored = await agent._context.store.run(lambda database: database.address_records())
    assert (full, CAROL.record(5)) in [(each.signed, each.introducible) for each in stored]
    other = record_in_a_hub(8, link_key=BOB.link_key.public_key)
    await contacts.keep(read_record(other), other)
    (to_bob,) = sent(agent, BOB)
    assert to_bob.record == b""  # whoever called that address would find another key


async def answer(agent: Agent, to: Person, answer: type[IntroductionAnswer]) -> GivenIntroduction:
    (record,) = given(agent).waiting(to.signer)
    signed = given(agent).sign(record)
    assert signed is not None
    digest = hashlib.sha256(signed).digest()
    answers: list[IntroductionAnswer] = [Have(digest), Later(digest, 60, "full"), Declined(digest, "no")]
    (chosen,) = [each for each in answers if isinstance(each, answer)]
    await given(agent).note(record, chosen)
    return record


async def introduce(agent: Agent, *names: str) -> tuple[str, ...]:
    introduced = await agent.service.introduce(UsersToIntroduce(names=names))
    return introduced.left_out


async def test_each_member_whom_we_verified_is_introduced_to_the_others_once(agent: Agent) -> None:
    for _ in range(2):
        assert await introduce(agent, "@crew") == ("mallory", "eve")
    (to_bob,), (to_carol,) = sent(agent, BOB), sent(agent, CAROL)
    assert (to_bob.read_card(), to_bob.recipient, to_bob.group) == (CAROL.card, BOB.signer, "crew")
    assert (to_carol.read_card(), to_carol.recipient) == (BOB.card, CAROL.signer)
    assert to_bob.signer == agent._context.identity.current.signer
    assert sent(agent, MALLORY) == []
    await answer(agent, BOB, Have)
    assert sent(agent, BOB) == []
    await introduce(agent, "bob", "carol")
    (again,) = sent(agent, BOB)
    assert (again.sequence, again.group) == (to_bob.sequence + 1, "")
    await answer(agent, BOB, Declined)
    await answer(agent, CAROL, Later)
    shown = {each.user: (each.state, each.detail) for each in (await agent.service.introductions()).given}
    assert shown == {"bob": ("refused", "no"), "carol": ("waiting", "full")}
    assert (sent(agent, BOB), sent(agent, CAROL)) == ([], [])


@pytest.mark.parametrize("names", [("bob", "mallory"), ("bob", "eve"), ("bob",), ("@crew", "mallory")])
async def test_who_is_not_verified_is_not_introduced(agent: Agent, names: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="verified"):
        await introduce(agent, *names)
    with pytest.raises(NotFound):
        await introduce(agent, "@band")
    assert given(agent).all() == []


async def test_an_introduction_is_sent_as_things_are_then(agent: Agent) -> None:
    """Nothing goes out about who was removed, is not verified any longer, or left the group, once that is in force."""
    await introduce(agent, "@crew")
    (waiting,) = given(agent).waiting(BOB.signer)
    await agent.service.change_user(UserChange(name="carol", leave=("crew",)))
    assert (given(agent).sign(waiting), sent(agent, BOB)) == (None, [])
    await agent.service.change_user(UserChange(name="carol", join=("crew",)))
    assert len(sent(agent, BOB)) == 1
    await agent.service.change_user(UserChange(name="carol", verified=False))
    assert (given(agent).sign(waiting), sent(agent, BOB), sent(agent, CAROL)) == (None, [], [])
    await agent.service.remove_user(UserNamed(name="carol"))
    assert (given(agent).sign(waiting), sent(agent, BOB)) == (None, [])
    await wait_until(lambda: given(agent).all() == [])


async def test_an_introduction_is_sent_later_when_its_recipient_says_so(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time that passes: a wall clock that is put back must not put it off."""
    await introduce(agent, "@crew")
    await answer(agent, BOB, Later)
    assert (len(sent(agent, BOB)), len(sent(agent, CAROL))) == (0, 1)
    monkeypatch.setattr(agent._context.clock, "now", lambda: 1)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 61))
    assert len(sent(agent, BOB)) == 1


async def test_a_group_is_introduced_by_itself_as_members_join(agent: Agent) -> None:
    await agent.service.change_group(GroupChange(name="crew", introduce=True))
    await wait_until(lambda: len(given(agent).all()) == 2)
    assert agent.view.snapshot().people.introduced_groups == ("crew",)
    await answer(agent, BOB, Have)
    await agent.service.change_user(UserChange(name="mallory", verified=True))
    await wait_until(lambda: len(given(agent).all()) == 6)
    # Bob knows of Carol already: that is not repeated.
    assert {each.read_card().name for each in sent(agent, BOB)} == {"mallory"}
    await agent.service.change_group(GroupChange(name="CREW", introduce=False))
    assert agent.view.snapshot().people.introduced_groups == ()


async def test_what_waits_is_there_after_a_restart(alice: Home) -> None:
    alice.know(user(BOB, "crew"), user(CAROL, "crew"))
    alice.configure(link=LINK)
    async with running(alice) as agent:
        await introduce(agent, "@crew")
        before = given(agent).all()
    async with running(alice) as agent:
        assert given(agent).all() == before
        assert len(sent(agent, BOB)) == 1
