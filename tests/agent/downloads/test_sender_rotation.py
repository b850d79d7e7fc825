"""A word for a new card: who can give it, and who cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.agent.homes import Home, fill, opened, seal_for, seal_manifest, share_of
from tuishare.agent.downloads.envelope_reader import apply_key_rotation
from tuishare.api.messages import ActivityKind
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import OpenedEnvelope, Trust, open_received
from tuishare.core.records import ShareRecord
from tuishare.errors import BadInput, Refused
from tuishare.people import (
    Identity,
    User,
    UserBook,
    apply_rotation,
    load_book,
    load_identity,
    rotate_identity,
)
from tuishare.people.key_rotation import sign_rotation


@pytest.fixture
def share(alice: Home) -> ShareRecord:
    return share_of(fill(alice.drop / "film.mkv"))


def rotated(home: Home) -> Home:
    """The same person with a new identity."""
    return replace(home, identity=rotate_identity(home.places.identity_file, home.name))


def take(home: Home, data: bytes, *users: User) -> OpenedEnvelope:
    return open_received(data, home.identity, UserBook(users), now=wall_clock())


@pytest.mark.parametrize("verified", [True, False])
def test_who_is_known_vouches_for_himself(alice: Home, bob: Home, share: ShareRecord, verified: bool) -> None:
    newer = rotated(rotated(alice))  # and nobody has heard of the one between
    received = take(bob, seal_for(newer, share, bob.user()), alice.user(verified=verified))
    assert received.trust is (Trust.VERIFIED if verified else Trust.UNVERIFIED)
    assert (received.sender, received.signer) == ("alice", newer.identity.signer)
    assert received.origin == alice.identity.signer
    assert received.succession is not None
    book = apply_rotation(UserBook((alice.user(verified=verified),)), received.succession)
    later = open_received(seal_for(newer, share, bob.user()), bob.identity, book, now=wall_clock())
    assert (later.trust, later.origin, later.succession) == (received.trust, received.origin, None)


def test_what_a_former_key_signed_is_refused(alice: Home, bob: Home, share: ShareRecord) -> None:
    """A thief of the former key, or an envelope from before."""
    word = rotated(alice).identity.succession
    assert word is not None
    (user,) = apply_rotation(UserBook((alice.user(),)), word)
    with pytest.raises(Refused, match="a previous key of alice"):
        take(bob, seal_for(alice, share, bob.user()), user)


def test_a_word_that_was_copied_is_nothing_to_its_copier(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    word = bytes(rotated(alice).identity.succession or b"")
    received = take(bob, seal_manifest(mallory, share, bob.user(), succession=word), alice.user())
    assert (received.trust, received.succession) == (Trust.UNKNOWN, None)


@pytest.mark.parametrize("own", [True, False])
def test_nobody_vouches_for_a_stranger(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord, own: bool
) -> None:
    signing = mallory.identity.signing_key
    card = mallory.identity.card("alice")
    word = bytes(sign_rotation(signing, card, None)) if own else b"\x00" * 1500
    received = take(bob, seal_manifest(mallory, share, bob.user(), succession=word), alice.user())
    assert (received.trust, received.succession) == (Trust.UNKNOWN, None)


def test_whoever_was_removed_vouches_for_nobody(alice: Home, bob: Home, share: ShareRecord) -> None:
    data = seal_for(rotated(alice), share, bob.user())
    assert take(bob, data).trust is Trust.UNKNOWN
    assert take(bob, data, User("carl", key=bytes(range(32)))).trust is Trust.UNKNOWN


async def test_a_word_for_somebody_elses_card_moves_nobody(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    """Two who work together: neither of them becomes the other."""
    word = sign_rotation(mallory.identity.signing_key, alice.identity.card("mallory"), None)
    people = (alice.user(), mallory.user())
    data = seal_manifest(alice, share, bob.user(), succession=bytes(word))
    received = take(bob, data, *people)
    assert (received.sender, received.succession) == ("alice", None)
    bob.know(*people)
    async with opened(bob) as context:
        with pytest.raises(BadInput, match="same card"):
            await apply_key_rotation(context.users, context.activity, "mallory", word)
    assert tuple(load_book(bob.places.users_file)) == people


def test_our_own_former_shares_are_our_own(alice: Home, bob: Home, share: ShareRecord) -> None:
    data = seal_for(alice, share, bob.user())
    assert take(rotated(alice), data, bob.user()).trust is Trust.OURSELVES


def test_former_keys_of_ours_do_not_count_as_somebodys_key(
    alice: Home, bob: Home, mallory: Home, share: ShareRecord
) -> None:
    newer, key = rotated(rotated(bob)), bytes(range(32))
    to_card = take(newer, seal_for(mallory, share, bob.user()), User("eve", key=key))
    assert (to_card.trust, to_card.sender) == (Trust.UNKNOWN, "")
    to_key = take(newer, seal_for(mallory, share, User("x", key=key)), alice.user(), User("eve", key=key))
    assert (to_key.trust, to_key.sender) == (Trust.KEY_ONLY, "eve")


async def test_the_user_book_follows_and_it_is_told(alice: Home, bob: Home) -> None:
    newer: Identity = rotated(alice).identity
    assert newer.succession is not None
    bob.know(alice.user(groups=("crew",)))
    async with opened(bob) as context:
        await apply_key_rotation(context.users, context.activity, "alice", newer.succession)
        (user,) = load_book(bob.places.users_file)
        assert (user.card, user.verified, user.groups) == (newer.card("alice"), True, ("crew",))
        (event,) = await context.activity.latest(10)
        assert (event.kind, event.subject) == (ActivityKind.ROTATED, "alice")
        assert newer.fingerprint.base32 in event.detail
        with pytest.raises(Refused):
            await apply_key_rotation(context.users, context.activity, "alice", newer.succession)
    assert load_identity(alice.places.identity_file) == newer
