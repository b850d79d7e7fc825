"""What the link stores: the newest address record of each signer, the newest envelope of each recipient and share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.damage import damage_row
from tests.agent.state.test_store import SHARE
from tuishare.core.database import Database
from tuishare.core.records import (
    ArrivalRecord,
    HandoverRecord,
    HandoverState,
    KnownAddressRecord,
    ReceiptRecord,
)

BOB, CAROL = b"b" * 32, b"c" * 32
RECORD = KnownAddressRecord(BOB, 5, b"fifth")
WAITING = HandoverRecord(BOB, SHARE.id, "bob", 1, b"d" * 32, 16_000, 7)
ARRIVAL = ArrivalRecord(BOB, SHARE.id, 1, b"d" * 32, "bob.torrent.encrypted", 7, b"receipt")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with contextlib.closing(Database(tmp_path / "tuishare.db")) as opened:
        yield opened


@pytest.mark.parametrize("sequence", [1, 4, 5])
def test_an_address_record_that_is_not_newer_changes_nothing(database: Database, sequence: int) -> None:
    assert database.save_address_record(RECORD)
    assert not database.save_address_record(replace(RECORD, sequence=sequence, signed=b"other"))
    assert database.address_records() == [RECORD]


def test_a_newer_address_record_replaces_that_of_its_signer_alone(database: Database) -> None:
    other = replace(RECORD, signer=CAROL)
    newer = replace(RECORD, sequence=6, signed=b"sixth")
    assert all(map(database.save_address_record, (RECORD, other, newer)))
    assert database.address_records() == [newer, other]


def test_a_newer_envelope_of_a_share_replaces_the_waiting_one(database: Database) -> None:
    elsewhere = replace(WAITING, share="ba" * 16)
    database.queue_handovers(SHARE.id, [WAITING, replace(WAITING, recipient=CAROL, user="carol")])
    database.queue_handovers(elsewhere.share, [elsewhere])
    newer = replace(WAITING, generation=2, digest=b"e" * 32)
    database.queue_handovers(SHARE.id, [newer])
    assert database.handovers() == [elsewhere, newer]


def test_only_what_waits_is_cancelled(database: Database) -> None:
    done = replace(WAITING, recipient=CAROL, user="carol", state=HandoverState.HANDED_OVER, receipt=b"r")
    database.queue_handovers(SHARE.id, [WAITING, done])
    database.cancel_handovers(SHARE.id)
    assert database.handovers() == [done]


def test_a_deleted_share_leaves_no_handover(database: Database) -> None:
    database.save(SHARE)
    database.queue_handovers(SHARE.id, [WAITING])
    database.delete_share(SHARE.id)
    assert database.handovers() == []


def test_receipts_outlast_newer_versions_and_their_share(database: Database) -> None:
    record = ReceiptRecord(BOB, b"d" * 32, "received", SHARE.id, "", "bob", 1, 7, b"first")
    complete = replace(record, state="complete", at=9, signed=b"second")
    kept = replace(record, name=SHARE.name)
    database.save(SHARE)
    database.queue_handovers(SHARE.id, [WAITING])
    database.keep_receipt(record, replace(WAITING, state=HandoverState.HANDED_OVER), 9)
    database.keep_receipt(replace(record, signed=b"again"), WAITING, 9)
    assert (database.receipts(SHARE.name), database.handovers()) == ([kept], [WAITING])
    database.queue_handovers(SHARE.id, [replace(WAITING, generation=2, digest=b"e" * 32)])
    database.keep_receipt(complete, None, 9)
    database.delete_share(SHARE.id)
    for unknown in (replace(complete, digest=b"x" * 32), replace(record, state="refused", generation=2)):
        database.keep_receipt(unknown, None, 9)
    assert database.receipts() == database.receipts(SHARE.id) == [kept, replace(complete, name=SHARE.name)]
    assert database.receipts("another") == []


def test_a_recipient_takes_bounded_room_for_receipts(database: Database) -> None:
    record = ReceiptRecord(BOB, b"d" * 32, "received", SHARE.id, "", "bob", 1, 4, b"r")
    for number in range(5):
        database.keep_receipt(replace(record, digest=bytes([number]) * 32, at=number), WAITING, 3)
    database.keep_receipt(replace(record, recipient=CAROL), WAITING, 3)
    assert [each.at for each in database.receipts()] == [2, 3, 4, 4]


def test_a_contact_takes_bounded_room_but_an_owed_receipt_stays(database: Database) -> None:
    owed, old, new = (replace(ARRIVAL, share=f"{number:032x}") for number in range(3))
    foreign = replace(ARRIVAL, signer=CAROL)
    for arrival in (foreign, replace(owed, owed=True), old, new):
        database.save_arrival(arrival, 1)
    assert database.arrivals() == [foreign, replace(owed, owed=True), new]
    database.save_arrival(owed, 1)
    assert owed in database.arrivals()


def test_a_repeated_arrival_is_one(database: Database) -> None:
    complete = replace(ARRIVAL, state="complete", owed=True)
    database.save_arrival(ARRIVAL, 9)
    database.save_arrival(complete, 9)
    assert database.arrivals() == [complete]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("address_records", "sequence", -1),
        ("address_records", "signed", "text"),
        ("handovers", "state", "?"),
        ("handovers", "digest", "text"),
        ("handovers", "size", None),
        ("arrivals", "envelope", "../x"),
        ("arrivals", "state", "lost"),
        ("arrivals", "owed", 2),
    ],
)
def test_one_damaged_row_costs_one_entry(tmp_path: Path, table: str, column: str, value: object) -> None:
    path = tmp_path / "tuishare.db"
    with contextlib.closing(Database(path)) as database:
        for signer in (BOB, CAROL):
            database.save_address_record(replace(RECORD, signer=signer))
            database.save(replace(WAITING, recipient=signer), replace(ARRIVAL, signer=signer))
    damage_row(path, table, 0, column, value)
    with contextlib.closing(Database(path)) as database:
        database.check(7)
        kept = {
            "address_records": len(database.address_records()),
            "handovers": len(database.handovers()),
            "arrivals": len(database.arrivals()),
        }
        assert kept.pop(table) == 1
        assert set(kept.values()) == {2}
        assert [(row.table, row.since) for row in database.damaged(table)] == [(table, 7)]
