"""Rows that are no records, in a real database: set aside once, shown as far as they can be, dropped for good."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.damage import NotText, damage_row
from tests.agent.state.test_store import DOWNLOAD, SHARE
from tuishare.core.database import Database
from tuishare.core.records import RecipientRecord
from tuishare.core.rows import DamagedRow
from tuishare.core.sqlite_errors import DamagedDatabase
from tuishare.errors import Refused
from tuishare.torrents import InfoHash

NOW = 7
TICKETS = [RecipientRecord(SHARE.id, user, user.encode().ljust(32)) for user in ("bob", "carol")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A share with two tickets, and a download with its torrent."""
    made = tmp_path / "tuishare.db"
    with contextlib.closing(Database(made)) as database:
        database.save(SHARE, *TICKETS)
        database.admit(DOWNLOAD, b"torrent")
        database.save_resume({InfoHash(DOWNLOAD.info_hash): b"resume"})
    return made


@contextlib.contextmanager
def checked(path: Path) -> Iterator[Database]:
    with contextlib.closing(Database(path)) as database:
        database.check(NOW)
        yield database


def set_aside(path: Path) -> list[DamagedRow]:
    with checked(path) as database:
        return database.damaged("shares", "recipients", "downloads")


def test_a_share_and_its_ticket_may_both_be_damaged(path: Path) -> None:
    damage_row(path, "shares", 0, "size", -1)
    damage_row(path, "recipients", 0, "sealed", -1)
    assert [(row.table, row.key, row.since) for row in set_aside(path)] == [
        ("shares", SHARE.id, NOW),
        ("recipients", SHARE.id, NOW),
    ]
    assert len(set_aside(path)) == 2


def test_a_row_is_moved_or_left_where_it_is(path: Path) -> None:
    """Never kept twice, nor lost: here the database takes only half of it."""
    damage_row(path, "shares", 0, "size", -1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE DELETE ON shares BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    with pytest.raises(DamagedDatabase, match="refused"):
        set_aside(path)
    with contextlib.closing(Database(path)) as database:
        assert database.damaged("shares") == []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER refuse")
    assert len(set_aside(path)) == 1


@pytest.mark.parametrize(
    ("damage", "shown"),
    [
        ({"size": -1}, "/drop/a"),
        ({"path": "here", "folder": "/elsewhere"}, "/elsewhere/a"),
        ({"path": "here"}, ""),
        ({"path": "here", "folder": "nor here"}, ""),
        ({"path": b"/drop/a", "folder": "/elsewhere", "name": ""}, ""),
    ],
)
def test_where_the_payload_of_a_damaged_share_lies(path: Path, damage: dict[str, object], shown: str) -> None:
    for column, value in damage.items():
        damage_row(path, "shares", 0, column, value)
    damage_row(path, "shares", 0, "size", -1)
    assert [row.path for row in set_aside(path)] == [shown]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a\0b", "a\ufffdb"), (NotText(b"a\xffb"), "a\ufffdb"), (b"a", ""), (5, ""), (None, "")],
)
def test_a_damaged_name_is_shown_as_far_as_it_is_text(path: Path, value: object, shown: str) -> None:
    damage_row(path, "shares", 0, "name", value)
    (row,) = set_aside(path)
    assert row.name == shown
    row.name.encode()


def test_what_was_set_aside_may_be_damaged_as_well(path: Path) -> None:
    damage_row(path, "shares", 0, "size", -1)
    set_aside(path)
    for column, value in (("since", "then"), ("name", NotText(b"a\xff")), ("path", 5)):
        damage_row(path, "damaged", 0, column, value)
    (row,) = set_aside(path)
    assert (row.since, row.name, row.path) == (0, "a\ufffd", "")


def test_a_damaged_share_is_dropped_with_its_tickets(path: Path) -> None:
    damage_row(path, "shares", 0, "size", -1)
    with checked(path) as database:
        (row,) = database.damaged("shares")
        assert database.recipients() == TICKETS
        database.drop_damaged(row)
        assert (database.damaged("shares"), database.recipients()) == ([], [])


def test_a_share_that_is_there_again_keeps_its_tickets(path: Path) -> None:
    damage_row(path, "shares", 0, "size", -1)
    with checked(path) as database:
        (row,) = database.damaged("shares")
        database.save(SHARE)
        database.drop_damaged(row)
        assert database.recipients() == TICKETS


def test_a_damaged_ticket_is_dropped_alone(path: Path) -> None:
    """Its share is still set aside, and who else had a ticket is still to be told."""
    damage_row(path, "recipients", 0, "sealed", -1)
    with checked(path) as database:
        (row,) = database.damaged("recipients")
        database.drop_damaged(row)
        assert database.recipients() == TICKETS[1:]
        assert [row.table for row in database.damaged("shares", "recipients")] == ["shares"]


def test_what_is_damaged_after_the_start_is_left_out(path: Path) -> None:
    with checked(path) as database:
        database.save(replace(SHARE, id="ba" * 16, name="b"))
        damage_row(path, "shares", 0, "step", "?")
        assert [share.name for share in database.shares()] == ["b"]


@pytest.mark.parametrize("value", ["text", 5, 1.5])
def test_what_is_no_torrent_nor_resume_data_counts_as_none(path: Path, value: object) -> None:
    damage_row(path, "torrents", 0, "torrent", value)
    damage_row(path, "resume", 0, "data", value)
    with checked(path) as database:
        assert database.torrent(DOWNLOAD.id) == b""
        assert database.resume_data(DOWNLOAD.info_hash) is None


@pytest.mark.parametrize("value", ["text", 1.5, b"2"])
def test_a_ledger_that_cannot_be_read_takes_no_generation(path: Path, value: object) -> None:
    damage_row(path, "ledger", 0, "generation", value)
    damage_row(path, "downloads", 0, "generation", value)
    with checked(path) as database, pytest.raises(Refused, match="is damaged"):
        database.require_new(replace(DOWNLOAD, generation=9))
