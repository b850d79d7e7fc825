"""Invited by one string: both sides know and verify each other, once, whatever is tried or breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.agent.agent_pairs import KEY, running
from tests.agent.homes import Home, fill
from tests.agent.link.linked import LINK, PATIENCE, until_received
from tests.link.samples import ALICE, Person, Thief
from tests.waiting import answered, wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.link import invitations as invitations_module
from tuishare.agent.link import joins as joins_module
from tuishare.agent.link.invitation_tries import LISTED_AT_ONCE
from tuishare.agent.link.invitations import Invitations
from tuishare.agent.link.joined_users import JoinedUsers
from tuishare.api.messages import (
    InvitationNamed,
    InvitationText,
    JoinerAnswer,
    JoinerState,
    Joining,
    NewInvitation,
    UserChange,
)
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.link.address_record import read_record
from tuishare.link.invitation import Invitation, parse_invitation
from tuishare.link.invitation_exchange import make_redeem
from tuishare.link.messages import NotAdmitted
from tuishare.link.peer import InvitationRefused, LinkFailed
from tuishare.people import User, load_book
from tuishare.swarm.ports import free_port

pytestmark = pytest.mark.swarm


@pytest.fixture
def strangers(alice: Home, mallory: Home) -> tuple[Home, Home]:
    """Alice and one whom she does not know."""
    alice.know()
    for home in (alice, mallory):
        home.configure(link=LINK)
    return alice, mallory


@pytest.fixture
def two_strangers(alice: Home, mallory: Home, carol: Home) -> tuple[Home, Home, Home]:
    """Alice and two whom she does not know."""
    for home in (alice, mallory, carol):
        home.know()
        home.configure(link=LINK)
    return alice, mallory, carol


async def invited(agent: Agent, name: str = "", *groups: str, uses: int = 1, ask: bool = False) -> str:
    until = agent._context.clock.now() + 3600
    new = NewInvitation(name=name, groups=groups, until=until, uses=uses, ask=ask)
    return (await agent.service.invite(new)).text


async def join(agent: Agent, text: str) -> Joining:
    return await agent.service.join(InvitationText(text=text))


async def cancel(agent: Agent) -> None:
    """Cancel the only invitation."""
    (shown,) = await agent.service.invitations()
    await agent.service.cancel_invitation(InvitationNamed(id=shown.id))


async def joiners(agent: Agent) -> list[tuple[str, JoinerState]]:
    (shown,) = await agent.service.invitations()
    return [(joiner.called, joiner.state) for joiner in shown.joiners]


async def let_end(agent: Agent, invitation: bytes) -> None:
    """Let the time of an invitation be over."""
    given = await agent._parts.link.invitations.all()
    (record,) = [each.record for each in given if each.record.id == invitation]
    await agent._context.store.run(lambda database: database.save(replace(record, until=1)))


def own_signer(agent: Agent) -> bytes:
    """Whose address record the agent gives out."""
    return read_record(agent._context.address_record.current).signer


def users(home: Home) -> list[tuple[str, bool, tuple[str, ...]]]:
    return [(user.name, user.verified, user.groups) for user in load_book(home.places.users_file)]


async def test_both_are_known_verified_and_see_the_same_words(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one, "bob", "crew")
        joined = await join(other, text)
        assert (joined.user, joined.verified) == ("alice", True)
        assert users(alice) == [("bob", True, ("crew",))]
        assert users(bob) == [("alice", True, ())]
        (shown,) = await one.service.invitations()
        (member,) = shown.members
        assert (member.user, member.words, member.address) == ("bob", joined.words, "127.0.0.1")
        assert shown.text == ""
        assert len(joined.words.split()) == 4
        # No envelope is carried by hand from here on.
        alice.configure("@crew", link=LINK)
        await one.service.reload()
        await until_received(bob, fill(alice.drop / "first"))


async def test_the_same_joiner_may_repeat_and_another_never(
    two_strangers: tuple[Home, Home, Home],
) -> None:
    alice, bob, carol = two_strangers
    async with running(alice) as one, running(bob) as other, running(carol) as third:
        text = await invited(one)
        words = (await join(other, text)).words
        again = await join(other, text)
        assert (again.user, again.words) == ("alice", words)
        fingerprint = bob.identity.card("mallory").fingerprint.base32
        with pytest.raises(InvitationRefused, match=f"was used on .* UTC by the card .* {fingerprint}"):
            await join(third, text)
        assert [name for name, *_ in users(alice)] == ["mallory"]
        assert users(carol) == []
        assert await third.service.joins() == []
        # Alice sees who tried, with words, time and address.
        assert await joiners(one) == [("mallory", JoinerState.JOINED), ("carol", JoinerState.TRIED)]
        (shown,) = await one.service.invitations()
        assert (shown.joiners[1].address, len(shown.joiners[1].words.split())) == ("127.0.0.1", 4)
        assert "carol" in [event.subject for event in await one.service.activity()]


async def test_what_was_cancelled_or_has_ended_is_refused(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        cancelled, ended = await invited(one), await invited(one)
        first, second = await one.service.invitations()
        await one.service.cancel_invitation(InvitationNamed(id=first.id))
        await let_end(one, bytes.fromhex(second.id))
        for text, told in ((cancelled, "did not take"), (ended, "has ended")):
            with pytest.raises(InvitationRefused, match=told):
                await join(other, text)
        with pytest.raises(NotFound):
            await one.service.cancel_invitation(InvitationNamed(id=first.id))
        assert (users(alice), users(bob)) == ([], [])


async def test_cancelling_a_used_invitation_removes_its_user(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        await join(other, text)

        async def refuse(_: object) -> None:
            raise SystemFailed("no space")

        with monkeypatch.context() as patched:
            patched.setattr(one.service._invitations, "_remove", refuse)
            with pytest.raises(SystemFailed):
                await cancel(one)
        with pytest.raises(LinkFailed):
            await join(other, text)
        await cancel(one)  # what failed halfway is done again
        assert (users(alice), await one.service.invitations()) == ([], [])


async def test_a_user_who_was_removed_does_not_return_by_the_same_string(
    strangers: tuple[Home, Home],
) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        await join(other, text)
        record = one._parts.link.contacts.record_of(bob.identity.signer)
        # Another user has the name by now: who is undone with the invitation is told by the card.
        alice.know(User("mallory", key=KEY))
        await one.service.reload()
        with pytest.raises(LinkFailed, match="did not take"):
            await join(other, text)
        assert users(alice) == [("mallory", False, ())]
        assert one._parts.link.contacts.record_of(bob.identity.signer) == record
        await cancel(one)
        assert users(alice) == [("mallory", False, ())]
        assert await one.service.invitations() == []


async def test_a_crash_before_the_user_is_added_is_made_up_for(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        with monkeypatch.context() as patched:

            async def break_off(*_: object) -> None:
                raise Refused("killed")

            patched.setattr(Invitations, "_add", break_off)
            with pytest.raises(LinkFailed):
                await join(other, text)
        assert users(alice) == []
    alice.know(User("mallory", key=KEY))  # the name is taken meanwhile
    async with running(alice) as one:
        await wait_until(
            lambda: [name for name, *_ in users(alice)] == ["mallory", "mallory 2"], seconds=PATIENCE
        )
        await cancel(one)
        assert [name for name, *_ in users(alice)] == ["mallory"]


async def test_an_invitation_is_forgotten_long_after_its_end(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.configure(link=LINK)
    async with running(alice) as one:
        await invited(one)
    monkeypatch.setattr(invitations_module, "_KEPT_SECONDS", -10 * 365 * 86_400)
    async with running(alice) as one:
        assert await answered(one.service.invitations, lambda known: known == []) == []


async def test_a_crash_before_the_inviter_is_added_leaves_no_user_out_of_reach(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A joiner whom nobody can call must know where the inviter is, or they never have a link."""
    alice, bob = strangers

    async def break_off(*_: object) -> None:
        raise Refused("killed")

    async with running(alice) as one, running(bob) as other:
        monkeypatch.setattr(other._parts.link.joins._users, "_edit_users", break_off)
        with pytest.raises(Refused, match="killed"):
            await join(other, await invited(one))
        assert users(bob) == []
        assert other._parts.link.contacts.record_of(alice.identity.signer) is not None


async def test_a_joiner_without_the_token_is_refused_and_uses_nothing_up(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        from tuishare.link import invitation_exchange

        with monkeypatch.context() as patched:
            patched.setattr(invitation_exchange, "join_mac", lambda *_: bytes(32))
            patched.setattr(invitation_exchange, "is_mac", lambda *_: False)
            with pytest.raises(LinkFailed, match="did not take"):
                await join(other, text)
        assert (users(alice), await joiners(one)) == ([], [])  # nothing is written for them (threat T18)
        assert (await join(other, text)).user == "alice"


async def test_ones_own_invitation_and_other_texts_are_refused(strangers: tuple[Home, Home]) -> None:
    alice, _ = strangers
    alice.know(User("alice of samples", card=ALICE.card, verified=True))
    async with running(alice) as one:
        text = await invited(one)
        thief = Thief("mallory", 9)  # could never be added: nothing of the invitation is used up
        redeem = make_redeem(parse_invitation(text), thief.party)
        invitations = one._parts.link.invitations
        answer = await invitations.redeem(redeem, thief.link_key.public_key, "192.0.2.7")
        assert answer == NotAdmitted("card")
        assert await joiners(one) == [("mallory", JoinerState.TRIED)]
        for given in (text, text[:-1], "tuishare-card-v1:abc"):
            with pytest.raises(BadInput):
                await join(one, given)
        with pytest.raises(BadInput):
            await one.service.invite(NewInvitation(until=1))


async def test_a_name_that_is_taken_is_not_given_twice(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    bob.know(User("alice", key=KEY))
    async with running(alice) as one, running(bob) as other:
        assert (await join(other, await invited(one))).user == "alice 2"
        assert [name for name, *_ in users(bob)] == ["alice", "alice 2"]


async def test_without_links_there_are_no_invitations(alice: Home) -> None:
    async with running(alice) as one:
        with pytest.raises(Refused, match="makes no links"):
            await one.service.invite(NewInvitation(until=one._context.clock.now() + 60))


async def test_several_may_use_one_and_none_of_them_is_verified_by_it(
    two_strangers: tuple[Home, Home, Home],
) -> None:
    alice, bob, carol = two_strangers
    async with running(alice) as one, running(bob) as other, running(carol) as third:
        text = await invited(one, uses=2)
        for agent in (other, third):
            joined = await join(agent, text)
            assert (joined.user, joined.verified) == ("alice", False)
        assert [(name, verified) for name, verified, _ in users(alice)] == [
            ("mallory", False),
            ("carol", False),
        ]
        with pytest.raises(BadInput, match="several"):
            await invited(one, "dan", uses=2)
        await cancel(one)
        assert users(alice) == []


async def test_who_has_to_be_approved_calls_again(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = strangers
    monkeypatch.setattr(joins_module, "_MOST_PAUSE", 0.2)
    async with running(alice) as one, running(bob) as other:
        waiting = await join(other, await invited(one, ask=True))
        assert (waiting.user, waiting.error) == ("", "The inviter has to approve first")
        assert await joiners(one) == [("mallory", JoinerState.ASKS)]
        assert (users(alice), users(bob)) == ([], [])
        # Before the answer, the inviter sees who asks, and both see the same words.
        (shown,), (listed,) = await one.service.invitations(), await other.service.joins()
        (asks,) = shown.joiners
        assert (asks.words, asks.address) == (listed.words, "127.0.0.1")
        assert len(waiting.words.split()) == 4
        assert asks.fingerprint == bob.identity.card("mallory").fingerprint.base32
        answer = JoinerAnswer(id=shown.id, fingerprint=shown.joiners[0].fingerprint, approve=True)
        keep_record, refusals = JoinedUsers.keep_record, [SystemFailed("no space")]

        async def keep(*given: Any) -> None:
            if refusals and given[0] is other._parts.link.joins._users:
                raise refusals.pop()  # a disk that is full for a while ends no agent
            await keep_record(*given)

        monkeypatch.setattr(JoinedUsers, "keep_record", keep)
        await one.service.answer_joiner(answer)
        with pytest.raises(NotFound):
            await one.service.answer_joiner(answer)
        await wait_until(lambda: [name for name, *_ in users(bob)] == ["alice"], seconds=PATIENCE)
        assert users(alice) == [("mallory", True, ())]
        await until_empty(other)


async def test_who_is_declined_is_told_and_calls_no_longer(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = strangers
    monkeypatch.setattr(joins_module, "_MOST_PAUSE", 0.2)
    async with running(alice) as one, running(bob) as other:
        text = await invited(one, ask=True)
        await join(other, text)
        (shown,) = await one.service.invitations()
        answer = JoinerAnswer(id=shown.id, fingerprint=shown.joiners[0].fingerprint, approve=False)
        await one.service.answer_joiner(answer)
        log = other._context.activity
        await wait_until(
            lambda: any("The inviter has declined on" in each.detail for each in log.recent), seconds=PATIENCE
        )
        assert await other.service.joins() == []
        with pytest.raises(InvitationRefused, match="has declined"):
            await join(other, text)
        assert await joiners(one) == [("mallory", JoinerState.DECLINED)]
        assert users(alice) == []


async def test_who_waits_for_approval_stops_when_the_invitation_is_cancelled(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end without an answer is taken for that at the second time: an agent may have stopped in that moment."""
    alice, bob = strangers
    monkeypatch.setattr(joins_module, "_MOST_PAUSE", 0.2)
    async with running(alice) as one, running(bob) as other:
        await join(other, await invited(one, ask=True))
        await cancel(one)
        errors: set[str] = set()

        def note(joins: list[Joining]) -> bool:
            errors.update(each.error for each in joins)
            return not joins

        await answered(other.service.joins, note, seconds=PATIENCE)
        assert "The inviter did not take the invitation" in errors
        assert "alice" not in [name for name, *_ in users(bob)]


async def test_a_holder_of_the_string_fills_no_log(strangers: tuple[Home, Home]) -> None:
    """T19: a new card for each try; what is listed is bounded, and tells how many there were."""
    alice, _ = strangers
    async with running(alice) as one:
        invitations = one._parts.link.invitations
        asked, ended = parse_invitation(await invited(one, ask=True)), parse_invitation(await invited(one))
        await let_end(one, ended.id)

        async def attempt(invitation: Invitation, number: int) -> None:
            eve = Person("eve", number)
            redeem = make_redeem(invitation, eve.party)
            await invitations.redeem(redeem, eve.link_key.public_key, "192.0.2.7")

        for number in range(20, 20 + 3 * LISTED_AT_ONCE):
            await attempt(asked, number)
            await attempt(ended, number)
        told = [each for each in await one.service.activity() if each.subject == "eve"]
        assert len(told) == 2 * LISTED_AT_ONCE
        tries = invitations._tries
        (key, *_) = tries._unlisted
        assert tries._unlisted[key] == 2 * LISTED_AT_ONCE
        tries._limit._rate = 1e9
        await attempt(ended, 99)
        await wait_until(
            lambda: any("; 10 more before" in each.detail for each in one._context.activity.recent)
        )


async def test_cancelling_takes_from_one_who_was_known_before_only_what_it_gave(
    strangers: tuple[Home, Home],
) -> None:
    alice, bob = strangers
    card = bob.identity.card("mallory")
    before = User("mallory", card=card, groups=("band",), introduced_by="carol", admitted=True)
    alice.know(before)
    async with running(alice) as one, running(bob) as other:
        await join(other, await invited(one, "", "crew", "band"))
        assert users(alice) == [("mallory", True, ("band", "crew"))]
        (shown,) = await one.service.invitations()
        assert shown.joiners[0].was_known
        await one.service.cancel_invitation(InvitationNamed(id=shown.id))
        assert list(load_book(alice.places.users_file)) == [before]
        # What was decided since stays: the fingerprint was compared.
        await join(other, await invited(one))
        await one.service.change_user(UserChange(name="mallory", verified=True))
        await cancel(one)
        assert users(alice) == [("mallory", True, ("band",))]


async def test_an_invitation_of_former_keys_is_of_no_use_and_both_sides_are_told(
    strangers: tuple[Home, Home],
) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        assert [each.outdated for each in await one.service.invitations()] == [False]
        await one.service.rotate_identity()
        assert [each.outdated for each in await one.service.invitations()] == [True]
        with pytest.raises(InvitationRefused, match="other keys"):
            await join(other, text)
        assert (users(alice), users(bob)) == ([], [])
        signer = one._context.identity.current.signer
        await wait_until(lambda: own_signer(one) == signer)
        assert (await join(other, await invited(one))).user == "alice"


async def test_an_inviter_who_is_away_is_called_again_after_a_restart(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = strangers
    alice.configure(link={"listen": f"127.0.0.1:{free_port()}"})
    monkeypatch.setattr(joins_module, "_MOST_PAUSE", 0.2)
    async with running(alice) as one:
        text, other_text = await invited(one), await invited(one)
    async with running(bob) as other:
        waiting = await join(other, text)
        assert (waiting.user, bool(waiting.tried)) == ("", True)
        assert "127.0.0.1:" in waiting.error
        given_up = await join(other, other_text)
        await other.service.cancel_join(InvitationNamed(id=given_up.id))
        with pytest.raises(NotFound):
            await other.service.cancel_join(InvitationNamed(id=given_up.id))
    async with running(alice), running(bob) as other:
        assert [each.id for each in await other.service.joins()] in ([waiting.id], [])
        await wait_until(lambda: [name for name, *_ in users(bob)] == ["alice"], seconds=PATIENCE)
        assert [verified for _, verified, _ in users(alice)] == [True]
        await until_empty(other)


async def until_empty(agent: Agent) -> None:
    """Wait until the log tells that a join was done; no invitation is being used any longer then."""
    log = agent._context.activity
    await wait_until(lambda: "alice" in [each.subject for each in log.recent], seconds=PATIENCE)
    assert await agent.service.joins() == []
