"""Ways to damage what an agent keeps: one value of one row, one blob, one folder."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

TABLES = ("shares", "recipients", "downloads", "torrents", "replaced", "ledger", "resume", "events")


@dataclass(frozen=True, slots=True)
class NotText:
    """Text to SQLite that is not UTF-8."""

    data: bytes


NASTY: tuple[Any, ...] = (
    "", "\0", "..", "/", "/etc", "../../x", "a/b", "\n", "[]", "[1]", "[null]", '["a", ["b"]]', "{}", "null", "[[[[",
    "seeding", "settling", "hashing", "complete", "waiting", "problem", "tls", "plain", "renew", "00" * 16, "zz" * 20,
    b"", b"\0", b"d4:infod4:name1:xee", b"0" * 32, 0, -1, 1, 2**31, 2**62, 2**63 - 1, -(2**63), 1.5, 1e300,
    NotText(b"\xff"), NotText(b"a\xc3"), None,
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(NASTY),
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.binary(max_size=40),
    st.binary(max_size=4).map(NotText),
)


def columns_of(path: Path, table: str) -> list[str]:
    with _connected(path) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def damage_row(path: Path, table: str, number: int, column: str, value: object) -> None:
    """Replace one value by another, of whatever type: SQLite itself would refuse most of them."""
    with _lenient(path, table) as connection:
        rowids = [rowid for (rowid,) in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
        if rowids:
            mark = "CAST(? AS TEXT)" if isinstance(value, NotText) else "?"
            bound = value.data if isinstance(value, NotText) else value
            with suppress(sqlite3.IntegrityError):  # a rowid can be nothing but a number, whatever is damaged
                connection.execute(
                    f"UPDATE OR IGNORE {table} SET {column} = {mark} WHERE rowid = ?",
                    (bound, rowids[number % len(rowids)]),
                )


@contextmanager
def _lenient(path: Path, table: str) -> Iterator[sqlite3.Connection]:
    """The database with a table that takes every value; afterwards its rules are what they were."""
    with _connected(path) as connection:
        (rules,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    # A declared type converts what is stored: without one it stays what it is.
    lenient = rules.replace("STRICT", "").replace("NOT NULL", "")
    lenient = lenient.replace("INTEGER PRIMARY KEY", "\0")  # the rowid itself
    for kind in ("INTEGER", "TEXT", "BLOB"):
        lenient = lenient.replace(f" {kind}", " ")
    lenient = lenient.replace("\0", "INTEGER PRIMARY KEY")
    _rewrite(path, table, lenient)
    try:
        with _connected(path) as connection:
            yield connection
    finally:
        _rewrite(path, table, rules)


def _rewrite(path: Path, table: str, rules: str) -> None:
    with _connected(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (rules, table))


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


FOLDERS = ("file", "link", "dangling", "junk", "gone", "fifo")


def damage_folder(folder: Path, how: str, elsewhere: Path) -> None:
    """Put something else where a folder of ours was."""
    if how == "junk":
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("x", os.fsdecode(b"\xff"), "a" * 200):
            (folder / name).mkdir(exist_ok=True)
        os.mkfifo(folder / "pipe")
        (folder / "loop").symlink_to(folder)
        return
    moved = folder.with_name(f"{folder.name}.moved")
    if os.path.lexists(folder):
        folder.rename(moved)
    match how:
        case "file":
            folder.write_bytes(b"here")
        case "link":
            folder.symlink_to(elsewhere)
        case "dangling":
            folder.symlink_to(elsewhere / "nothing")
        case "fifo":
            os.mkfifo(folder)
