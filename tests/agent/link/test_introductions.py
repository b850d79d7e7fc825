"""Introduced by somebody who knows both: users of each other after one command, unverified, only if they accept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, make_home
from tests.agent.link.linked import LINK, PATIENCE
from tests.link.samples import ALICE, CAROL, MALLORY, NOW, Person, Thief
from tests.waiting import answered, wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.link import open_links, received_introductions
from tuishare.agent.state.store import Store
from tuishare.api.messages import (
    ActivityKind,
    IntroductionAccepted,
    IntroductionNamed,
    InvitationText,
    NewInvitation,
    UserChange,
    UserNamed,
    UsersToIntroduce,
)
from tuishare.core.introduction_queries import find_known_cards
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.link import messages
from tuishare.link.address_record import HubAddress, read_record, sign_record
from tuishare.link.introduction import read_introduction, sign_introduction
from tuishare.link.mailbox.enrolment import HubPlace
from tuishare.link.messages import Declined, Have, IntroductionAnswer, Later
from tuishare.link.session import Session
from tuishare.people import User, load_book

pytestmark = pytest.mark.swarm
NAMES = ("bob", "carol", "dave", "erin", "frank", "grace", "heidi")


async def invite(alice: Agent, other: Agent, name: str) -> None:
    until = alice._context.clock.now() + 3600
    made = await alice.service.invite(NewInvitation(name=name, groups=("crew",), until=until))
    await other.service.join(InvitationText(text=made.text))


def trust(home: Home) -> dict[str, tuple[bool, str]]:
    return {user.name: (user.verified, user.introduced_by) for user in load_book(home.places.users_file)}


def linked(agent: Agent) -> set[str]:
    return {link.user for link in agent.view.links() if link.since}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_seven_invitations_and_one_command_make_eight_people_known_to_each_other(
    tmp_path: Path,
) -> None:
    homes = {name: make_home(tmp_path, name) for name in ("alice", *NAMES)}
    for home in homes.values():
        home.configure(link=LINK)
    async with contextlib.AsyncExitStack() as stack:
        agents = {name: await stack.enter_async_context(running(home)) for name, home in homes.items()}
        alice = agents["alice"]
        for name in NAMES:
            await invite(alice, agents[name], name)
            await agents[name].service.change_user(UserChange(name="alice", introduces=True))
        introduced = await alice.service.introduce(UsersToIntroduce(names=("@crew",)))
        assert (set(introduced.users), introduced.left_out) == (set(NAMES), ())
        for name in NAMES:
            expected = {"alice": (True, "")} | {other: (False, "alice") for other in NAMES if other != name}
            await wait_until(lambda: trust(homes[name]) == expected, seconds=PATIENCE)  # noqa: B023
        assert sum(len(load_book(home.places.users_file)) for home in homes.values()) == 8 * 7
        for name, agent in agents.items():
            others = homes.keys() - {name}
            await wait_until(lambda: linked(agent) == others, seconds=3 * PATIENCE)  # noqa: B023
        await answered(  # an introduction is noted as delivered beside what it leads to
            alice.service.introductions,
            lambda known: all(given.state == "delivered" for given in known.given),
            seconds=PATIENCE,
        )
        # From heidi to all others, by link alone; it waits for approval where she is not verified.
        homes["heidi"].configure(*(homes.keys() - {"heidi"}), link=LINK)
        await agents["heidi"].service.reload()
        fill(homes["heidi"].drop / "photo")
        for name in homes.keys() - {"heidi"}:
            state = "complete" if name == "alice" else "waiting"
            view = agents[name].view
            await wait_until(
                lambda: [(each.name, each.state) for each in view.downloads()] == [("photo", state)],  # noqa: B023
                seconds=PATIENCE,
            )


async def test_an_introduction_without_an_answer_is_sent_again_over_the_same_link(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by an agent of before, which ignores introductions until a newer one takes its place."""
    alice.know(User("carol", card=CAROL.card, verified=True, groups=("crew",)))
    bob.know()
    for home in (alice, bob):
        home.configure(link=LINK)
    monkeypatch.setattr(open_links, "_ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(open_links, "_RECHECK", 0.1)
    monkeypatch.setattr(messages, "KINDS", messages.KINDS - {"introduction"})
    async with running(alice) as one, running(bob) as other:
        await invite(one, other, "bob")
        await wait_until(lambda: linked(one) == {"bob"}, seconds=PATIENCE)
        await one.service.introduce(UsersToIntroduce(names=("@crew",)))
        link = one._parts.link.links
        assert link is not None

        def session() -> Session | None:  # that of another link, where both sides have called at once
            opened = link.get(bob.identity.signer)
            return opened.session if opened is not None else None

        def is_sent_again() -> bool:
            waiting = now._outgoing._introductions.values() if (now := session()) is not None else ()
            return any(each.unanswered >= 3 for each in waiting)

        await wait_until(is_sent_again, seconds=PATIENCE)
        before = session()
        details = {each.user: each.detail for each in (await one.service.introductions()).given}
        assert details == {"bob": "their agent does not answer; it is sent again", "carol": ""}
        monkeypatch.setattr(messages, "KINDS", messages.KINDS | {"introduction"})
        await wait_until(lambda: shown(other) == [("alice", "carol")], seconds=PATIENCE)
        assert session() is before


async def test_members_of_a_hub_find_each_other_by_an_introduction_and_tell_their_keys_themselves(
    tmp_path: Path,
) -> None:
    """Nothing is carried by hand, and the introducer passes on no key of a mailbox."""
    names = ("bob", "carol")
    homes = {name: make_home(tmp_path, name) for name in ("alice", *names)}
    for home in homes.values():
        home.configure(link=LINK)
    async with contextlib.AsyncExitStack() as stack:
        agents = {name: await stack.enter_async_context(running(home)) for name, home in homes.items()}
        for name in names:
            link = agents[name]._parts.link
            place = HubPlace("127.0.0.1:9", MALLORY.link_key.public_key)
            link._membership.join(place, name.encode().ljust(16), name.encode().ljust(32), ())
            link._look.set()
            await invite(agents["alice"], agents[name], name)
            await agents[name].service.change_user(UserChange(name="alice", introduces=True))
        signers = {name: homes[name].identity.signer for name in names}
        contacts = agents["alice"]._parts.link.contacts
        await wait_until(
            lambda: (
                all(map(contacts.introducible_record_of, signers.values()))
                and all((record := contacts.record_of(each)) and record.hub for each in signers.values())
            ),
            seconds=PATIENCE,
        )
        await agents["alice"].service.introduce(UsersToIntroduce(names=("@crew",)))
        for name, other in (names, reversed(names)):
            of_other = agents[name]._parts.link.contacts
            await wait_until(lambda: other in linked(agents[name]), seconds=PATIENCE)  # noqa: B023
            await wait_until(
                lambda: (
                    (record := of_other.record_of(signers[other])) is not None  # noqa: B023
                    and record.hub is not None
                    and record.hub.write_key == other.encode().ljust(32)  # noqa: B023
                ),
                seconds=PATIENCE,
            )


ALICE_USER = User("alice", card=ALICE.card, verified=True)


@pytest.fixture
async def bob_agent(bob: Home) -> AsyncIterator[Agent]:
    """An agent whose only user is Alice, verified; what she says is made up here."""
    bob.know(ALICE_USER)
    bob.configure(link=LINK)
    async with running(bob) as agent:
        yield agent


def introduction(bob: Agent, of: Person, *, by: Person = ALICE, **changes: Any) -> bytes:
    fields: dict[str, Any] = {"recipient": bob._context.identity.current.signer, "sequence": 1, "at": NOW}
    fields |= {"group": "crew", "record": of.record()}
    return sign_introduction(by.signing_key, of.card, **(fields | changes))


async def say(bob: Agent, signed: bytes) -> IntroductionAnswer:
    """Let the signer of an introduction send it."""
    read = read_introduction(signed)
    user = bob._parts.link.contacts.get(read.signer)
    assert user is not None
    return await bob._parts.link.introductions.received.keep(user, read, signed)


def shown(bob: Agent) -> list[tuple[str, str]]:
    return [(each.introducer, each.name) for each in bob.view.snapshot().people.introductions]


async def noted(bob: Agent, kind: ActivityKind) -> list[tuple[str, str]]:
    """Wait for entries of that kind, which are saved beside the work."""
    log = bob._context.activity
    await wait_until(lambda: any(each.kind is kind for each in log.recent))
    return [(each.subject, each.detail) for each in log.recent if each.kind is kind]


async def test_an_introduction_waits_to_be_accepted_once_and_the_user_is_not_verified(
    bob: Home, bob_agent: Agent
) -> None:
    service, first = bob_agent.service, introduction(bob_agent, CAROL, sequence=2)
    for _ in range(2):  # a link broke before the answer came
        assert isinstance(await say(bob_agent, first), Have)
    assert (shown(bob_agent), list(trust(bob))) == ([("alice", "carol")], ["alice"])
    assert [subject for subject, _ in await noted(bob_agent, ActivityKind.INTRODUCED)] == ["carol"]
    assert bob_agent._parts.link.contacts.get(CAROL.signer) is None
    await say(bob_agent, introduction(bob_agent, CAROL, sequence=1, group="band"))  # an older one, replayed
    (pending,) = (await service.introductions()).received
    assert (pending.group, pending.taken, pending.fingerprint) == (
        "crew",
        False,
        CAROL.card.fingerprint.base32,
    )
    accepted = IntroductionAccepted(id=pending.id, groups=("crew",), admitted=True)
    assert (await service.accept_introduction(accepted)).id == "carol"
    assert trust(bob) == {"alice": (True, ""), "carol": (False, "alice")}
    carol = load_book(bob.places.users_file).find("carol")
    assert (carol.groups, carol.admitted, carol.introduces) == (("crew",), True, False)
    contacts = bob_agent._parts.link.contacts
    assert contacts.get(CAROL.signer) is not None
    record = contacts.record_of(CAROL.signer)
    assert record is not None
    assert shown(bob_agent) == []
    # Known now: nothing to do but for a newer address record, under the rule of all records.
    older, newer = CAROL.record(record.sequence - 1 or 1), CAROL.record(record.sequence + 1)
    await say(bob_agent, introduction(bob_agent, CAROL, sequence=3, record=newer))
    await say(bob_agent, introduction(bob_agent, CAROL, sequence=4, record=older))
    assert contacts.signed_record_of(CAROL.signer) == newer
    assert shown(bob_agent) == []
    # It says nothing about the mailbox of one who has one, which may be the only way to them.
    hub = HubAddress("192.0.2.9:50012", b"h" * 32, b"m" * 16, b"w" * 32)
    in_a_hub = sign_record(
        CAROL.signing_key,
        link_key=CAROL.link_key.public_key,
        sequence=record.sequence + 2,
        issued=NOW,
        addresses=(),
        hub=hub,
    )
    await contacts.keep(read_record(in_a_hub), in_a_hub)
    passed_on = CAROL.record(record.sequence + 3)
    await say(bob_agent, introduction(bob_agent, CAROL, sequence=5, record=passed_on))
    assert contacts.signed_record_of(CAROL.signer) == in_a_hub
    # No chain: whom the introduced introduce is not followed, also not where "always" was chosen by mistake.
    answer = await say(bob_agent, introduction(bob_agent, MALLORY, by=CAROL))
    assert isinstance(answer, Later)
    with pytest.raises(Refused, match="not verified"):
        await service.change_user(UserChange(name="carol", introduces=True))
    assert shown(bob_agent) == []
    # Compared in person later: verified.
    await service.change_user(UserChange(name="carol", verified=True))
    assert trust(bob)["carol"] == (True, "alice")


@pytest.mark.parametrize("always", [True, False])
async def test_an_introduction_is_taken_wholly_also_if_its_link_ends_meanwhile(
    bob: Home, bob_agent: Agent, always: bool
) -> None:
    await bob_agent.service.change_user(UserChange(name="alice", introduces=always))
    received, signed = bob_agent._parts.link.introductions.received, introduction(bob_agent, CAROL)
    async with received._accepting:
        taking = asyncio.create_task(say(bob_agent, signed))
        await wait_until(lambda: shown(bob_agent) == [("alice", "carol")])
        taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert isinstance(await say(bob_agent, signed), Have)  # the next link
    ((subject, detail),) = await noted(bob_agent, ActivityKind.INTRODUCED)
    if always:
        assert (subject, detail) == ("carol", "is a user now, introduced by alice")
        assert (trust(bob)["carol"], shown(bob_agent)) == ((False, "alice"), [])
    else:
        assert (subject, "accept or decline" in detail) == ("carol", True)
        assert shown(bob_agent) == [("alice", "carol")]


async def test_who_is_always_followed_is_tried_again_after_the_disk_refused(
    bob: Home, bob_agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bob_agent.service.change_user(UserChange(name="alice", introduces=True))
    received, signed = bob_agent._parts.link.introductions.received, introduction(bob_agent, CAROL)

    async def refuse(_: object) -> None:
        raise SystemFailed("The disk is full")

    monkeypatch.setattr(received, "_edit_users", refuse)
    with pytest.raises(SystemFailed):
        await say(bob_agent, signed)
    monkeypatch.undo()
    assert isinstance(await say(bob_agent, signed), Have)
    assert (trust(bob)["carol"], shown(bob_agent)) == ((False, "alice"), [])


async def test_who_was_removed_does_not_come_back(bob: Home, bob_agent: Agent) -> None:
    await bob_agent.service.change_user(UserChange(name="alice", introduces=True))
    await say(bob_agent, introduction(bob_agent, CAROL))
    assert trust(bob)["carol"] == (False, "alice")
    await bob_agent.service.remove_user(UserNamed(name="carol"))
    for sequence in (1, 2, 3):
        assert isinstance(await say(bob_agent, introduction(bob_agent, CAROL, sequence=sequence)), Have)
    assert (list(trust(bob)), shown(bob_agent)) == (["alice"], [])
    ((subject, detail),) = await noted(bob_agent, ActivityKind.IGNORED)
    assert (subject, "you removed them" in detail) == ("carol", True)


async def test_who_was_removed_without_an_agent_does_not_come_back_either(bob: Home) -> None:
    bob.know(ALICE_USER, User("carol", card=CAROL.card, verified=True))
    bob.configure(link=LINK)
    async with running(bob) as agent:
        store = agent._context.store
        await wait_until_saved(store, CAROL.signer)
    bob.know(ALICE_USER)
    async with running(bob) as agent:
        await say(agent, introduction(agent, CAROL))
        assert shown(agent) == []
        # Until the user adds them again.
        bob.know(ALICE_USER, User("carol", card=CAROL.card))
        await agent.service.reload()
        bob.know(ALICE_USER)
        await agent.service.reload()
        await say(agent, introduction(agent, CAROL, sequence=2))
        assert shown(agent) == []


async def wait_until_saved(store: Store, signer: bytes) -> None:
    await answered(
        lambda: store.run(find_known_cards), lambda known: signer in {record.signer for record in known}
    )


async def test_a_declined_introduction_stays_declined_and_may_still_be_accepted(
    bob: Home, bob_agent: Agent
) -> None:
    await say(bob_agent, introduction(bob_agent, CAROL))
    (pending,) = (await bob_agent.service.introductions()).received
    await bob_agent.service.decline_introduction(IntroductionNamed(id=pending.id))
    await say(bob_agent, introduction(bob_agent, CAROL, sequence=2))
    await bob_agent.service.change_user(UserChange(name="alice", introduces=True))
    await bob_agent._parts.link.introductions.received.tidy()
    assert (shown(bob_agent), list(trust(bob))) == ([], ["alice"])
    (declined,) = (await bob_agent.service.introductions()).received
    assert (declined.id, declined.declined) == (pending.id, True)
    await bob_agent.service.accept_introduction(IntroductionAccepted(id=pending.id))
    assert "carol" in trust(bob)
    for order in (
        bob_agent.service.accept_introduction(IntroductionAccepted(id=pending.id)),
        bob_agent.service.decline_introduction(IntroductionNamed(id=pending.id)),
    ):
        with pytest.raises(NotFound, match="no such introduction"):
            await order


async def test_what_no_one_may_be_introduced_by_is_refused_in_one_sentence(
    bob: Home, bob_agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Thief("carol", CAROL.number)
    answers = {
        "another recipient": introduction(bob_agent, CAROL, recipient=MALLORY.signer),
        "a key of another user": introduction(bob_agent, theirs),
    }
    for what, signed in answers.items():
        answer = await say(bob_agent, signed)
        assert isinstance(answer, Declined), what
        assert answer.reason
    assert (shown(bob_agent), list(trust(bob))) == ([], ["alice"])
    assert len(await noted(bob_agent, ActivityKind.IGNORED)) == 1
    for name in ("alice", "Alice", "al/ice"):
        await say(bob_agent, introduction(bob_agent, CAROL, sequence=5))
        (pending,) = (await bob_agent.service.introductions()).received
        with pytest.raises(BadInput):
            await bob_agent.service.accept_introduction(IntroductionAccepted(id=pending.id, name=name))
    # What could not be accepted when its introducer is followed later keeps no other back.
    thief = Thief("thief", 9)
    monkeypatch.setattr(received_introductions, "add_introduced", lambda book, _: book)
    assert isinstance(await say(bob_agent, introduction(bob_agent, thief)), Have)
    monkeypatch.undo()
    late = Person("late", 8)
    await say(bob_agent, introduction(bob_agent, late))
    await bob_agent.service.change_user(UserChange(name="alice", introduces=True))
    await wait_until(lambda: {"late", "carol"} <= trust(bob).keys(), seconds=PATIENCE)
    await wait_until(lambda: shown(bob_agent) == [("alice", "thief")])


async def test_oneself_is_no_news_and_a_taken_name_gets_a_number(bob: Home, bob_agent: Agent) -> None:
    identity = bob_agent._context.identity.current
    ours = sign_introduction(
        ALICE.signing_key, identity.card("bob"), recipient=identity.signer, sequence=1, at=NOW
    )
    assert isinstance(await say(bob_agent, ours), Have)
    assert shown(bob_agent) == []
    other = Person("Alice", CAROL.number)
    await say(bob_agent, introduction(bob_agent, other))
    (pending,) = (await bob_agent.service.introductions()).received
    assert (pending.name, pending.taken) == ("Alice", True)
    assert (await bob_agent.service.accept_introduction(IntroductionAccepted(id=pending.id))).id == "Alice 2"
    assert trust(bob) == {"alice": (True, ""), "Alice 2": (False, "alice")}


async def test_as_many_wait_as_may_and_no_more_of_one_introducer(
    bob_agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [Person(f"friend {number}", number) for number in range(10, 16)]
    monkeypatch.setattr(received_introductions, "MOST_USERS", 2)
    answers = [await say(bob_agent, introduction(bob_agent, each)) for each in people[:3]]
    assert [type(answer) for answer in answers] == [Have, Have, Later]
    # A newer one of a card that waits takes no room.
    assert isinstance(await say(bob_agent, introduction(bob_agent, people[0], sequence=9)), Have)
    monkeypatch.setattr(received_introductions, "MOST_USERS", 9)
    monkeypatch.setattr(received_introductions, "MOST_PENDING", 3)
    answers = [await say(bob_agent, introduction(bob_agent, each)) for each in people[3:5]]
    assert [type(answer) for answer in answers] == [Have, Later]
    monkeypatch.setattr(received_introductions, "MOST_PENDING", 9)
    monkeypatch.setattr(bob_agent._parts.link.introductions.received._rates, "take", lambda _: False)
    assert isinstance(await say(bob_agent, introduction(bob_agent, people[5])), Later)
    assert len(shown(bob_agent)) == 3
    # Followed without a question, up to as many users of hers who are not verified.
    monkeypatch.setattr(received_introductions, "MOST_USERS", 1)
    await bob_agent.service.change_user(UserChange(name="alice", introduces=True))
    await bob_agent._parts.link.introductions.received.tidy()
    assert len(shown(bob_agent)) == 2


async def test_a_killed_agent_goes_on_where_it_was(bob: Home) -> None:
    """As after a crash between the user book and the database, and with introductions that wait."""
    bob.know(ALICE_USER)
    bob.configure(link=LINK)
    async with running(bob) as agent:
        for person in (CAROL, MALLORY):
            await say(agent, introduction(agent, person))
        assert len(shown(agent)) == 2
    bob.know(ALICE_USER, User("carol", card=CAROL.card, introduced_by="alice"))
    async with running(bob) as agent:
        await wait_until(lambda: shown(agent) == [("alice", "mallory")])
        contacts = agent._parts.link.contacts
        await wait_until(lambda: contacts.record_of(CAROL.signer) is not None)
        # Who is not verified any longer vouches for none.
        (pending,) = (await agent.service.introductions()).received
        bob.know(User("alice", card=ALICE.card))
        await agent.service.reload()
        assert shown(agent) == []
        with pytest.raises(Refused, match="introducer"):
            await agent.service.accept_introduction(IntroductionAccepted(id=pending.id))
