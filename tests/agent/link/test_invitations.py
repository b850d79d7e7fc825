"""Invited by one string: both sides know and verify each other, once, whatever is tried or breaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.agent.agent_pairs import KEY, running
from tests.agent.homes import Home, fill
from tests.agent.link.linked import LINK, PATIENCE, until_received
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.link.invitations import Invitations
from tuishare.api.messages import InvitationNamed, InvitationText, NewInvitation
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.link.peer import LinkFailed
from tuishare.people import User, load_book

pytestmark = pytest.mark.swarm


@pytest.fixture
def strangers(alice: Home, mallory: Home) -> tuple[Home, Home]:
    """Alice and one whom she does not know."""
    alice.know()
    for home in (alice, mallory):
        home.configure(link=LINK)
    return alice, mallory


async def invited(agent: Agent, name: str = "", *groups: str) -> str:
    until = agent._context.clock.now() + 3600
    made = await agent.service.invite(NewInvitation(name=name, groups=groups, until=until))
    return made.text


def users(home: Home) -> list[tuple[str, bool, tuple[str, ...]]]:
    return [(user.name, user.verified, user.groups) for user in load_book(home.places.users_file)]


async def test_both_are_known_verified_and_see_the_same_words(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one, "bob", "crew")
        joined = await other.service.join(InvitationText(text=text))
        assert (joined.user, joined.verified) == ("alice", True)
        assert users(alice) == [("bob", True, ("crew",))]
        assert users(bob) == [("alice", True, ())]
        (shown,) = await one.service.invitations()
        assert (shown.user, shown.words, shown.address, shown.text) == ("bob", joined.words, "127.0.0.1", "")
        assert len(joined.words.split()) == 4
        # No envelope is carried by hand from here on.
        alice.configure("@crew", link=LINK)
        await one.service.reload()
        await until_received(bob, fill(alice.drop / "first"))


async def test_the_same_joiner_may_repeat_and_another_never(
    strangers: tuple[Home, Home], carol: Home
) -> None:
    alice, bob = strangers
    carol.configure(link=LINK)
    carol.know()
    alice.know()
    alice.configure(link=LINK)
    async with running(alice) as one, running(bob) as other, running(carol) as third:
        text = await invited(one)
        words = (await other.service.join(InvitationText(text=text))).words
        again = await other.service.join(InvitationText(text=text))
        assert (again.user, again.words) == ("alice", words)
        with pytest.raises(LinkFailed, match="did not take"):
            await third.service.join(InvitationText(text=text))
        assert [name for name, *_ in users(alice)] == ["mallory"]
        assert users(carol) == []


async def test_what_was_cancelled_or_has_ended_is_refused(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        cancelled, ended = await invited(one), await invited(one)
        first, second = await one.service.invitations()
        await one.service.cancel_invitation(InvitationNamed(id=first.id))
        (record,) = [each for each in await one._parts.link.invitations.all() if each.id.hex() == second.id]
        await one._context.store.run(lambda database: database.save(replace(record, until=1)))
        for text in (cancelled, ended):
            with pytest.raises(LinkFailed, match="did not take"):
                await other.service.join(InvitationText(text=text))
        with pytest.raises(NotFound):
            await one.service.cancel_invitation(InvitationNamed(id=first.id))
        assert (users(alice), users(bob)) == ([], [])


async def test_cancelling_a_used_invitation_removes_its_user(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        await other.service.join(InvitationText(text=text))
        (shown,) = await one.service.invitations()
        await one.service.cancel_invitation(InvitationNamed(id=shown.id))
        assert users(alice) == []
        with pytest.raises(LinkFailed):
            await other.service.join(InvitationText(text=text))


async def test_a_user_who_was_removed_does_not_return_by_the_same_string(
    strangers: tuple[Home, Home],
) -> None:
    alice, bob = strangers
    async with running(alice) as one, running(bob) as other:
        text = await invited(one)
        await other.service.join(InvitationText(text=text))
        alice.know()
        await one.service.reload()
        await other.service.join(InvitationText(text=text))
        assert users(alice) == []


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
                await other.service.join(InvitationText(text=text))
        assert users(alice) == []
    async with running(alice):
        await wait_until(lambda: [name for name, *_ in users(alice)] == ["mallory"], seconds=PATIENCE)


async def test_a_crash_before_the_inviter_is_added_leaves_no_user_out_of_reach(
    strangers: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A joiner whom nobody can call must know where the inviter is, or they never have a link."""
    alice, bob = strangers

    async def break_off(*_: object) -> None:
        raise Refused("killed")

    async with running(alice) as one, running(bob) as other:
        monkeypatch.setattr(other._parts.link.invitations, "_edit_users", break_off)
        with pytest.raises(Refused, match="killed"):
            await other.service.join(InvitationText(text=await invited(one)))
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
                await other.service.join(InvitationText(text=text))
        assert users(alice) == []
        assert (await other.service.join(InvitationText(text=text))).user == "alice"


async def test_ones_own_invitation_and_other_texts_are_refused(strangers: tuple[Home, Home]) -> None:
    alice, _ = strangers
    async with running(alice) as one:
        text = await invited(one)
        for given in (text, text[:-1], "tuishare-card-v1:abc"):
            with pytest.raises(BadInput):
                await one.service.join(InvitationText(text=given))
        with pytest.raises(BadInput):
            await one.service.invite(NewInvitation(until=1))


async def test_a_name_that_is_taken_is_not_given_twice(strangers: tuple[Home, Home]) -> None:
    alice, bob = strangers
    bob.know(User("alice", key=KEY))
    async with running(alice) as one, running(bob) as other:
        assert (await other.service.join(InvitationText(text=await invited(one)))).user == "alice 2"
        assert [name for name, *_ in users(bob)] == ["alice", "alice 2"]


async def test_without_links_there_are_no_invitations(alice: Home) -> None:
    async with running(alice) as one:
        with pytest.raises(Refused, match="makes no links"):
            await one.service.invite(NewInvitation(until=one._context.clock.now() + 60))
