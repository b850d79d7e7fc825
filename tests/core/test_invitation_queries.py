"""Uses of an invitation, and how many tries are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tuishare.core.database import Database
from tuishare.core.invitation_queries import (
    TRIES_KEPT,
    answer_joiner,
    delete_invitation,
    find_joiners,
    keep_try,
    take_use,
)
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinerState

ID = b"i" * 16
JOINER = JoinerRecord(ID, b"bob", "Bob", 5, JoinerState.JOINED, "a b c d", "192.0.2.7", "bob")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    found = Database(tmp_path / "tuishare.db")
    found.save(InvitationRecord(ID, "text", 1, 9, uses=2))
    return found


def test_there_are_as_many_uses_as_were_given_and_one_joiner_takes_one(database: Database) -> None:
    assert take_use(database, JOINER)
    assert take_use(database, JOINER)
    assert take_use(database, replace(JOINER, card=b"carol"))
    assert not take_use(database, replace(JOINER, card=b"dan"))
    assert take_use(database, JOINER)
    assert [each.card for each in find_joiners(database)] == [b"carol", b"bob"]
    delete_invitation(database, ID)
    assert find_joiners(database) == []
    assert not take_use(database, JOINER)


def test_the_last_tries_are_kept_and_every_use(database: Database) -> None:
    assert take_use(database, JOINER)
    for number in range(TRIES_KEPT + 5):
        card = number.to_bytes(2, "big")
        keep_try(database, replace(JOINER, card=card, at=10 + number, state=JoinerState.TRIED))
    kept = find_joiners(database)
    assert len(kept) == TRIES_KEPT + 1
    assert kept[0] == JOINER
    assert kept[1].at == 15


def test_only_one_who_asks_is_answered(database: Database) -> None:
    asks = replace(JOINER, state=JoinerState.ASKS)
    assert not answer_joiner(database, asks, JoinerState.APPROVED, 7)
    keep_try(database, asks)
    assert answer_joiner(database, asks, JoinerState.APPROVED, 7)
    assert find_joiners(database) == [replace(asks, state=JoinerState.APPROVED, at=7)]
    assert not answer_joiner(database, asks, JoinerState.DECLINED, 8)
