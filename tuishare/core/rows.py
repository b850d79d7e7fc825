"""Rows of the database: encoding records as rows, decoding rows as records.

Owns which values are valid, because a disk, a crash or a person may have damaged a row. A row that cannot be decoded is
kept as it is (`DamagedRow`). Must not decide what becomes of it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from tuishare.core.introduction_records import GivenIntroduction, KnownCard, ReceivedIntroduction
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinRecord
from tuishare.core.records import (
    ArrivalRecord,
    DownloadRecord,
    HandoverRecord,
    KnownAddressRecord,
    ReceiptRecord,
    RecipientRecord,
    ShareRecord,
)
from tuishare.sanitize import for_display

Record = (
    ShareRecord
    | RecipientRecord
    | DownloadRecord
    | KnownAddressRecord
    | HandoverRecord
    | ReceiptRecord
    | ArrivalRecord
    | InvitationRecord
    | JoinerRecord
    | JoinRecord
    | GivenIntroduction
    | ReceivedIntroduction
    | KnownCard
)
Table = Literal[
    "shares",
    "recipients",
    "downloads",
    "address_records",
    "handovers",
    "receipts",
    "arrivals",
    "invitations",
    "joiners",
    "joins",
    "given_introductions",
    "received_introductions",
    "known_cards",
]
TABLES: Final[dict[type[Record], Table]] = {
    ShareRecord: "shares",
    RecipientRecord: "recipients",
    DownloadRecord: "downloads",
    KnownAddressRecord: "address_records",
    HandoverRecord: "handovers",
    ReceiptRecord: "receipts",
    ArrivalRecord: "arrivals",
    InvitationRecord: "invitations",
    JoinerRecord: "joiners",
    JoinRecord: "joins",
    GivenIntroduction: "given_introductions",
    ReceivedIntroduction: "received_introductions",
    KnownCard: "known_cards",
}
_BINARY: Final[dict[type, list[str]]] = {
    kind: [field.name for field in fields(kind) if field.type == "bytes"] for kind in TABLES
}
"""The binary columns of each table."""
_JSON_COLUMNS: Final = frozenset(
    {
        "announce",
        "recipients",
        "contacts",
        "trackers",
        "unwanted",
        "teams",
        "left_out",
        "renamed",
        "replaces_renamed",
    }
)
_SINGLE: Final = frozenset({"name", "envelope", "sender", "local_name"})
"""Columns that become the name of one file or folder."""
_PLACES: Final = frozenset({"path", "folder", "staging", "replaces"})
"""Columns that hold an absolute path, or are empty."""
_NOT_TEXT: Final = re.compile("[\0\ud800-\udfff]")
"""NUL, and the surrogates that stand for bytes which are not UTF-8."""
_LARGEST: Final = 2**63 - 1
_Record = TypeVar("_Record", bound=Record)


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row that cannot be decoded; all values but `number` and `table` as far as they can be read.

    Attributes:
        number: of the row among the damaged ones.
        table: where it was.
        key: id of its share or download.
        name: of the share, the download or the recipient.
        path: the payload of a share, absolute.
        envelope: name of the file in the inbox, of a download.
        fault: what is wrong with it, a sentence.
        since: when that was found, Unix seconds.
    """

    number: int
    table: str
    key: str
    name: str
    path: str
    envelope: str
    fault: str
    since: int


def encode(record: Record) -> dict[str, Any]:
    """Return the row of a record."""
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: json.dumps(value) if name in _JSON_COLUMNS else value for name, value in row.items()}


def decode(kind: type[_Record], row: Mapping[str, Any]) -> _Record:
    """Return the record of a row.

    Raises:
        ValueError: the row is damaged; the message names the column and does not quote it.
    """
    try:
        values = {name: json.loads(value) if name in _JSON_COLUMNS else value for name, value in row.items()}
    except (ValueError, TypeError, RecursionError):
        raise ValueError("one of its lists cannot be read") from None
    for name, value in values.items():
        _require_sound(name, value)
    for name in _BINARY[kind]:
        if not isinstance(values[name], bytes):  # msgspec would decode text as base64
            raise ValueError(f"its {name} is not binary")
    try:
        return msgspec.convert(values, kind, strict=False, builtin_types=(bytes,))  # SQLite has no booleans
    except msgspec.ValidationError as error:
        raise ValueError(f"a value cannot be read ({for_display(str(error))})") from None


def _require_sound(name: str, value: object) -> None:
    """Refuse a value of the right type that cannot be shown to clients, or that must not be used as a path or count."""
    match value:
        case str():
            if _NOT_TEXT.search(value):
                raise ValueError(f"its {name} is not text")
            if name in _SINGLE and value and ("/" in value or value in {".", ".."}):
                raise ValueError(f"its {name} is not a file name")
            if name.endswith("renamed") and not {"", ".", ".."}.isdisjoint(value.split("/")):
                raise ValueError(f"its {name} is not a path below it")
            if name in _PLACES and value and not os.path.isabs(value):
                raise ValueError(f"its {name} is not an absolute path")
        case None:
            raise ValueError(f"its {name} is missing")
        case int():
            if not 0 <= value <= _LARGEST:
                raise ValueError(f"its {name} is out of range")
        case list():
            for item in value:
                _require_sound(f"list of {name}", item)
        case dict():
            raise ValueError(f"its {name} is not a list")
        case _:
            return


def as_text(data: bytes) -> str:
    """Decode a text of SQLite; bytes that are not UTF-8 become lone surrogates, which `decode` refuses."""
    return data.decode(errors="surrogateescape")


class DamagedRows:
    """The damaged rows of one database, kept byte for byte in a table of their own until they are dropped."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self) -> list[tuple[Table, int, str]]:
        """Return the rows that cannot be decoded: table, rowid, fault.

        A share with a damaged ticket counts as damaged as well, because it is unknown who may join it.
        """
        found: list[tuple[Table, int, str]] = []
        shares: set[str] = set()
        for kind, table in TABLES.items():
            names = [field.name for field in fields(kind)]
            statement = f"SELECT rowid, {', '.join(names)} FROM {table}"  # noqa: S608 — our fields' names
            for rowid, *values in self._connection.execute(statement):
                row = dict(zip(names, values, strict=True))
                try:
                    decode(kind, row)
                except ValueError as error:
                    found.append((table, rowid, f"{error}"))
                    if kind is RecipientRecord:
                        shares.add(_text(row["share"]))
        known = {rowid for table, rowid, _ in found if table == "shares"}
        for rowid, share in self._connection.execute("SELECT rowid, id FROM shares"):
            if share in shares and rowid not in known:
                found.append(("shares", rowid, "one of its tickets cannot be read"))
        return found

    def set_aside(self, table: Table, rowid: int, fault: str, now: int) -> None:
        """Move a row to the damaged ones; within a transaction."""
        names = [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")]
        read = ", ".join(f"typeof({name}), CAST({name} AS BLOB), {name}" for name in names)
        row = self._connection.execute(f"SELECT {read} FROM {table} WHERE rowid = ?", (rowid,)).fetchone()  # noqa: S608
        columns = {name: (row[3 * at], row[3 * at + 1]) for at, name in enumerate(names)}
        texts = {name: _text(row[3 * at + 2]) for at, name in enumerate(names)}
        self._connection.execute(
            "INSERT INTO damaged (source, key, name, path, envelope, fault, since, row)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                table,
                texts.get("id", texts.get("share", "")),
                texts.get("name", texts.get("user", "")),
                _payload(texts) if table == "shares" else "",
                texts.get("envelope", ""),
                fault,
                now,
                msgspec.msgpack.encode(columns),
            ),
        )
        self._connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))  # noqa: S608

    def listed(self) -> Iterator[DamagedRow]:
        """Yield the rows that were set aside, oldest first."""
        rows = self._connection.execute(
            "SELECT number, source, key, name, path, envelope, fault, since FROM damaged ORDER BY number"
        )
        for number, *texts, since in rows:
            table, key, name, path, envelope, fault = map(_text, texts)
            yield DamagedRow(
                number, table, key, name, path, envelope, fault, since if isinstance(since, int) else 0
            )

    def drop(self, number: int) -> None:
        """Delete a row that was set aside, and the tickets of its share; within a transaction."""
        self._connection.execute(
            "DELETE FROM recipients WHERE share = (SELECT key FROM damaged WHERE number = ?1 AND source = 'shares')"
            " AND share NOT IN (SELECT id FROM shares)",
            (number,),
        )
        self._connection.execute("DELETE FROM damaged WHERE number = ?", (number,))


def _payload(texts: Mapping[str, str]) -> str:
    """Return the path of a share's payload, from the columns that can still be read; empty if unknown."""
    path, folder, name = texts.get("path", ""), texts.get("folder", ""), texts.get("name", "")
    if Path(path).is_absolute():
        return path
    return str(Path(folder) / name) if Path(folder).is_absolute() and name else ""


def _text(value: object) -> str:
    """Return a text in a form that can be shown; empty for a value that is not a text."""
    if not isinstance(value, str):
        return ""
    return (
        value.encode(errors="surrogateescape")
        .decode(errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
