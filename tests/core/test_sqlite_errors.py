"""SQLite's errors: damage, a disk that refuses, or a mistake."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tuishare.core.sqlite_errors import DamagedDatabase, classify
from tuishare.errors import DiskRefused, SystemFailed


def error(code: int) -> sqlite3.Error:
    made = sqlite3.OperationalError("words of SQLite's")
    made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT_INDEX]
)
def test_damage_is_damage(tmp_path: Path, code: int) -> None:
    assert type(classify(error(code), tmp_path / "db")) is DamagedDatabase


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
    ],
)
def test_a_disk_that_fails_is_no_damage_and_not_full(tmp_path: Path, code: int) -> None:
    said = classify(error(code), tmp_path / "db")
    assert isinstance(said, DiskRefused)
    assert (said.full, bool(said.hint), str(tmp_path) in said.detail) == (False, True, True)


def test_a_full_disk_is_called_full(tmp_path: Path) -> None:
    said = classify(error(sqlite3.SQLITE_FULL), tmp_path / "db")
    assert isinstance(said, DiskRefused)
    assert said.full
    assert "no space left" in said.detail


@pytest.mark.parametrize("code", [sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE])
def test_a_mistake_is_not_waited_for(tmp_path: Path, code: int) -> None:
    assert type(classify(error(code), tmp_path / "db")) is SystemFailed
