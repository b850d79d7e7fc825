"""What one user may look like."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tuishare.errors import BadInput
from tuishare.people import Identity, PreviousCard, User

KEY = b"k" * 32


def test_a_user_has_exactly_one_of_card_and_key(alice: Identity) -> None:
    card = alice.card("Alice")
    assert User("alice", card=card).card == card
    assert User("alice", key=KEY).key == KEY
    for arguments in ({}, {"card": card, "key": KEY}):
        with pytest.raises(BadInput, match="either"):
            User("alice", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [b"", bytes(32), b"k" * 31])
def test_bad_keys_are_refused(key: bytes) -> None:
    with pytest.raises(BadInput, match="key must"):
        User("bob", key=key)


def test_names_and_groups_obey_the_rule_for_names() -> None:
    user = User("Zoe\u0308", key=KEY, groups=("Cre\u0300w",))
    assert (user.name, user.groups) == ("Zo\u00eb", ("Cr\u00e8w",))
    with pytest.raises(BadInput, match="invisible"):
        User("b\u202eob", key=KEY)
    with pytest.raises(BadInput, match="starts with '@'"):
        User("bob", key=KEY, groups=("@crew",))


def test_a_group_is_named_once() -> None:
    with pytest.raises(BadInput, match="same group twice"):
        User("bob", key=KEY, groups=("crew", "Crew"))


def test_the_raw_form_needs_a_key(alice: Identity) -> None:
    assert User("bob", key=KEY, accept_raw=True).accept_raw
    with pytest.raises(BadInput, match="Only a user with a key"):
        User("alice", card=alice.card("Alice"), accept_raw=True)


def test_a_user_does_not_show_his_key() -> None:
    assert "kkk" not in repr(User("bob", key=KEY))


def test_he_is_told_by_all_the_keys_that_he_had(alice: Identity, bob: Identity) -> None:
    key, signers = User("bob", key=KEY), (alice.signer, bob.signer)
    moved = User("al", card=alice.card("al"), former=(PreviousCard(bob.signer, bob.fingerprint),))
    assert moved.key_ids == tuple(sha256(signer).digest() for signer in signers)
    assert key.key_ids == (sha256(KEY).digest(),)
    assert replace(moved, name="alice").key_ids == moved.key_ids
