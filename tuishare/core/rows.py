"""Rows of the database and the records that they are: both ways, one row at a time.

Owns what a value must be like for the agent to act on it, because a row may have been damaged by a disk, a crash or a
hand. What is no record is kept as it was (`DamagedRow`); must not decide what becomes of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from tuishare.core.records import DownloadRecord, RecipientRecord, ShareRecord
from tuishare.sanitize import for_display

Record = ShareRecord | RecipientRecord | DownloadRecord
Table = Literal["shares", "recipients", "downloads"]
TABLES: Final[dict[type[Record], Table]] = {
    ShareRecord: "shares",
    RecipientRecord: "recipients",
    DownloadRecord: "downloads",
}
_JSON_COLUMNS: Final = frozenset({"announce", "recipients", "contacts", "trackers", "unwanted"})
_SINGLE: Final = frozenset({"name", "envelope", "sender"})
"""Texts that become the name of one file or folder below one of ours."""
_PLACES: Final = frozenset({"path", "folder", "staging", "replaces"})
"""Texts that are absolute paths, or empty."""
_LARGEST: Final = 2**63 - 1
_Record = TypeVar("_Record", bound=Record)


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row that is no record; all but the first two as far as it can still be read.

    Attributes:
        number: of the row among those that are damaged.
        table: where it stood.
        key: id of the share or download that it is about.
        name: what a person knows it by.
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
    """The row that a record becomes."""
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: json.dumps(value) if name in _JSON_COLUMNS else value for name, value in row.items()}


def decode(kind: type[_Record], row: Mapping[str, Any]) -> _Record:
    """The record that a row is.

    Raises:
        ValueError: it is none; says which column is the reason and quotes nothing of it.
    """
    try:
        values = {name: json.loads(value) if name in _JSON_COLUMNS else value for name, value in row.items()}
    except (ValueError, TypeError, RecursionError):
        raise ValueError("one of its lists cannot be read") from None
    for name, value in values.items():
        _require_sound(name, value)
    for field in fields(kind):
        if field.type == "bytes" and not isinstance(
            values[field.name], bytes
        ):  # text would be read as base64
            raise ValueError(f"its {field.name} is no bytes")
    try:
        return msgspec.convert(values, kind, strict=False, builtin_types=(bytes,))  # SQLite has no booleans
    except msgspec.ValidationError as error:
        raise ValueError(f"a value cannot be read ({for_display(str(error))})") from None


def _require_sound(name: str, value: object) -> None:
    """Refuse what has the right type and would still lead astray, or could not be shown to any client."""
    match value:
        case str():
            if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
                raise ValueError(f"its {name} is not text")
            if name in _SINGLE and value and ("/" in value or value in {".", ".."}):
                raise ValueError(f"its {name} is no name of a file")
            if name in _PLACES and value and not Path(value).is_absolute():
                raise ValueError(f"its {name} is no place")
        case None:
            raise ValueError(f"its {name} is missing")
        case int():
            if not 0 <= value <= _LARGEST:
                raise ValueError(f"its {name} is no count")
        case list():
            for item in value:
                _require_sound(f"list of {name}", item)
        case dict():
            raise ValueError(f"its list of {name} is none")
        case _:
            return


def as_text(data: bytes) -> str:
    """Read what SQLite calls text; what is not UTF-8 becomes lone surrogates, which `decode` refuses."""
    return data.decode(errors="surrogateescape")


class DamagedRows:
    """The rows of one database that are no records; each in a table of its own, byte for byte, until it is dropped."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self) -> list[tuple[Table, int, str]]:
        """List the rows among the others that are no records: table, rowid, fault.

        Who may join a share cannot be told where one of its tickets is damaged, so that share counts as damaged, too.
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
        """Move one of them; within a transaction."""
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
        """Those that were set aside, oldest first."""
        rows = self._connection.execute(
            "SELECT number, source, key, name, path, envelope, fault, since FROM damaged ORDER BY number"
        )
        for number, *texts, since in rows:
            table, key, name, path, envelope, fault = map(_text, texts)
            yield DamagedRow(
                number, table, key, name, path, envelope, fault, since if isinstance(since, int) else 0
            )

    def drop(self, number: int) -> None:
        """Remove one for good, and with a share the tickets that it had; within a transaction."""
        self._connection.execute(
            "DELETE FROM recipients WHERE share = (SELECT key FROM damaged WHERE number = ?1 AND source = 'shares')"
            " AND share NOT IN (SELECT id FROM shares)",
            (number,),
        )
        self._connection.execute("DELETE FROM damaged WHERE number = ?", (number,))


def _payload(texts: Mapping[str, str]) -> str:
    """Where the payload of a share lies, by whichever of its columns still tells."""
    path, folder, name = texts.get("path", ""), texts.get("folder", ""), texts.get("name", "")
    if Path(path).is_absolute():
        return path
    return str(Path(folder) / name) if Path(folder).is_absolute() and name else ""


def _text(value: object) -> str:
    """A value as far as it can be shown; nothing of what is no text."""
    if not isinstance(value, str):
        return ""
    return (
        value.encode(errors="surrogateescape")
        .decode(errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
