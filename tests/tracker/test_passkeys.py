"""Whose passkey it is."""

from __future__ import annotations

import pytest

from tests.tracker.announces import BOB, CAROL, DAVE, member
from tuishare.errors import BadInput
from tuishare.tracker.passkeys import Member, Passkeys


def test_a_passkey_names_its_member_and_its_hash_nobody() -> None:
    passkeys = Passkeys()
    passkeys.replace("film", {member(BOB): "bob"})
    assert passkeys.find(BOB) == Member("film", "bob")
    assert passkeys.find(member(BOB)) is None
    assert passkeys.find(b"") is None


def test_members_are_replaced_share_by_share() -> None:
    passkeys = Passkeys()
    passkeys.replace("film", {member(BOB): "bob"})
    passkeys.replace("songs", {member(DAVE): "dave"})
    passkeys.replace("film", {member(CAROL): "carol"})
    assert passkeys.find(BOB) is None
    assert passkeys.find(CAROL) == Member("film", "carol")
    assert passkeys.find(DAVE) == Member("songs", "dave")


def test_one_or_all_are_dropped() -> None:
    passkeys = Passkeys()
    passkeys.replace("film", {member(BOB): "bob", member(CAROL): "carol"})
    passkeys.drop("film", "bob")
    assert passkeys.find(BOB) is None
    assert passkeys.find(CAROL) is not None
    passkeys.drop("film")
    passkeys.drop("film")
    assert passkeys.find(CAROL) is None


@pytest.mark.parametrize("members", [{b"short": "x"}, {member(CAROL): "carol", member(BOB): "eve"}])
def test_what_cannot_be_is_refused_whole(members: dict[bytes, str]) -> None:
    passkeys = Passkeys()
    passkeys.replace("film", {member(BOB): "bob"})
    with pytest.raises(BadInput):
        passkeys.replace("songs", members)
    assert passkeys.find(BOB) == Member("film", "bob")
    assert passkeys.find(CAROL) is None
