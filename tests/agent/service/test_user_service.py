"""People by order of a client: in the user book, in force and shown at once."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from tests.agent.agent_pairs import NAME, running, shown
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    CardInfo,
    CardText,
    DownloadState,
    NewUser,
    ShareAction,
    ShareState,
    Snapshot,
    UserAdded,
    UserChange,
    UserKind,
    UserNamed,
)
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.people import format_key, load_book, load_or_create_identity, rotate_identity

ENVELOPE = "film.mkv.torrent.encrypted"
KEY = bytes(range(1, 33))


async def test_a_card_is_looked_at_and_added(alice: Home, mallory: Home) -> None:
    card = mallory.identity.card("mallory")
    async with running(alice), AgentClient(alice.places.socket) as client:
        seen = await client.card_seen(CardText(card=f" {card}\n"))
        words = " ".join(card.fingerprint.words)
        assert seen == CardInfo(
            name="mallory", fingerprint=card.fingerprint.base32, words=words, card=str(card)
        )
        new = NewUser(name="mal", card=str(card), groups=("@crew",), verified=True)
        assert await client.add_user(new) == UserAdded(name="mal")
        assert (await client.card_seen(CardText(card=str(card)))).known_as == "mal"
        async with aclosing(client.events()) as events:
            snapshot = await anext(events)
        assert isinstance(snapshot, Snapshot)
        (user,) = snapshot.people.users
        assert (user.name, user.kind, user.words, user.verified, user.groups) == (
            ("mal", UserKind.CARD, words, True, ("crew",))
        )
        assert snapshot.people.card == str(alice.identity.card("alice"))
        assert snapshot.people.succession == ""


async def test_a_key_that_was_made_is_told_and_one_that_was_given_is_not(alice: Home) -> None:
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        made = await client.add_user(NewUser(name="eve"))
        assert made.key == format_key(load_book(alice.places.users_file).find("eve").key or b"")
        assert (await client.add_user(NewUser(name="carl", key=format_key(KEY)))).key == ""
        shown_key = str(agent.view.snapshot())
        assert made.key not in shown_key
        assert format_key(KEY) not in shown_key


async def test_what_is_not_allowed_changes_nothing(alice: Home, bob: Home) -> None:
    before = load_book(alice.places.users_file)
    own, his = str(alice.identity.card("alice")), str(bob.identity.card("bob"))
    async with running(alice), AgentClient(alice.places.socket) as client:
        for new in (
            NewUser(name="BOB"),
            NewUser(name="me", card=own),
            NewUser(name="rob", card=his),
            NewUser(name="a/b"),
            NewUser(name="eve", card=his, key=format_key(KEY)),
            NewUser(name="eve", verified=True),
            NewUser(name="eve", key="00"),
        ):
            with pytest.raises(BadInput):
                await client.add_user(new)
        nobody = UserNamed(name="nobody")
        for order in (client.remove_user(nobody), client.new_key(nobody), client.revoke_user(nobody)):
            with pytest.raises(NotFound):
                await order
        for card in ("", "tuishare-card-v1:x"):
            with pytest.raises(BadInput):
                await client.change_user(UserChange(name="bob", card=card))
    assert load_book(alice.places.users_file) == before


async def test_trust_counts_at_once(alice: Home, bob: Home) -> None:
    bob.know(alice.user(verified=False))
    async with running(alice) as a, running(bob) as b, AgentClient(bob.places.socket) as client:
        fill(alice.drop / "film.mkv")
        await wait_until(lambda: [share.state for share in a.view.shares()] == [ShareState.SEEDING])
        (alice.outbox / ENVELOPE).rename(bob.inbox / NAME)
        await shown(b, DownloadState.WAITING)
        fingerprint = alice.identity.fingerprint.base32
        other = bob.identity.fingerprint.base32
        with pytest.raises(Refused, match="replaced meanwhile"):
            await client.change_user(UserChange(name="alice", verified=True, fingerprint=other))
        assert not b.view.snapshot().people.users[0].verified
        await client.change_user(UserChange(name="alice", verified=True, fingerprint=fingerprint))
        await shown(b, DownloadState.COMPLETE)


async def test_groups_and_cards_are_changed(alice: Home, bob: Home, mallory: Home) -> None:
    newer = str(mallory.identity.card("bob"))
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        await client.change_user(UserChange(name="bob", groups=("@crew", "fans")))
        assert agent.view.snapshot().people.users[0].groups == ("crew", "fans")
        await client.change_user(UserChange(name="bob", card=newer))
        (user,) = agent.view.snapshot().people.users
        assert (user.fingerprint, user.verified) == (mallory.identity.fingerprint.base32, False)
        rotated = rotate_identity(mallory.places.identity_file, "bob")
        word = str(rotated.succession)
        assert (await client.card_seen(CardText(card=word))).known_as == "bob"
        await client.change_user(UserChange(name="bob", card=word))
        (user,) = agent.view.snapshot().people.users
        assert user.former == (mallory.identity.fingerprint.base32,)
        assert (await client.card_seen(CardText(card=str(bob.identity.card("bob"))))).known_as == ""
        await client.remove_user(UserNamed(name="Bob"))
        assert agent.view.snapshot().people.users == ()


async def test_what_somebody_has_is_counted(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b:
        fill(alice.drop / "film.mkv")
        await wait_until(lambda: a.view.snapshot().people.users[0].shares == 1)
        assert (a.view.snapshot().people.users[0].complete, a.view.snapshot().people.users[0].seen) == (0, 0)
        await wait_until((alice.outbox / ENVELOPE).exists)
        bob.receive(alice.outbox / ENVELOPE)
        await shown(b, DownloadState.COMPLETE)
        await wait_until(lambda: a.view.snapshot().people.users[0].complete == 1, seconds=30)
        assert a.view.snapshot().people.users[0].seen > 0
        async with AgentClient(alice.places.socket) as client:
            await client.order_share(a.view.shares()[0].id, ShareAction.FORGET)
        assert a.view.snapshot().people.users[0].shares == 0


async def test_an_edit_of_the_file_is_shown(alice: Home, bob: Home) -> None:
    async with running(alice) as agent:
        alice.know(bob.user(name="robert"))
        await wait_until(lambda: [user.name for user in agent.view.snapshot().people.users] == ["robert"])


async def test_a_new_identity_is_used_for_everything_at_once(alice: Home) -> None:
    async with running(alice) as agent, AgentClient(alice.places.socket) as client:
        fingerprint = (await client.rotate_identity()).id
        assert agent.view.status().fingerprint == fingerprint == agent.view.snapshot().people.fingerprint
        assert agent.view.snapshot().people.succession.startswith("tuishare-succession-v1:")
        assert load_or_create_identity(alice.places.identity_file).fingerprint.base32 == fingerprint
