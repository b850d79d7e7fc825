"""The membership of a hub: its write key changes with every contact who is one no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.agent.link.hub_membership import HubMembership
from tuishare.errors import BadConfiguration, SystemFailed
from tuishare.link.mailbox.enrolment import HubPlace

PLACE = HubPlace("hub.example:50012", b"h" * 32)
BOB, CAROL = b"b" * 32, b"c" * 32


@pytest.fixture
def membership(tmp_path: Path) -> HubMembership:
    membership = HubMembership(tmp_path / "config" / "mailbox.json")
    membership.load()
    assert membership.hub_address is None
    assert membership.place is None
    membership.join(PLACE, b"m" * 16, b"w" * 32, [BOB, CAROL])
    return membership


def again(membership: HubMembership) -> HubMembership:
    """As after a start."""
    loaded = HubMembership(membership._path)
    loaded.load()
    return loaded


def test_it_outlives_the_agent(membership: HubMembership) -> None:
    loaded = again(membership)
    assert loaded.hub_address == membership.hub_address
    assert (loaded.place, loaded.untold) == (PLACE, (BOB, CAROL))
    assert membership._path.stat().st_mode & 0o777 == 0o600
    loaded.note_told(BOB, b"w" * 32)
    assert again(membership).untold == (CAROL,)


def test_a_contact_who_is_one_no_longer_does_not_know_the_new_write_key(membership: HubMembership) -> None:
    """Threat T22."""
    revision = membership.changed.revision
    membership.take_contacts([BOB, CAROL])
    membership.note_told(BOB, b"w" * 32)
    membership.take_contacts([BOB, CAROL, b"d" * 32])  # for a further contact the key stays
    assert membership.changed.revision == revision
    # They are told it: they may have been a contact before, and know a former one.
    assert again(membership).untold == (CAROL, b"d" * 32)
    membership.take_contacts([CAROL, b"d" * 32])
    address = membership.hub_address
    assert address is not None
    assert address.write_key != b"w" * 32
    assert membership.changed.revision != revision
    assert again(membership).hub_address == address
    assert set(membership.untold) == {CAROL, b"d" * 32}
    membership.note_told(CAROL, b"w" * 32)  # the former key
    assert CAROL in membership.untold
    membership.note_told(CAROL, address.write_key)
    assert CAROL not in membership.untold


def test_a_key_that_cannot_be_recorded_is_not_in_force(
    membership: HubMembership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SystemFailed("The disk is full")

    monkeypatch.setattr("tuishare.agent.link.hub_membership.publish", refuse)
    with pytest.raises(SystemFailed):
        membership.take_contacts([])
    monkeypatch.undo()
    address = membership.hub_address
    assert address is not None
    assert address.write_key == b"w" * 32
    membership.take_contacts([])
    assert again(membership).hub_address != address


def test_a_damaged_file_is_named(membership: HubMembership) -> None:
    membership._path.write_text("{}")
    with pytest.raises(BadConfiguration, match=r"mailbox\.json is damaged"):
        membership.load()
