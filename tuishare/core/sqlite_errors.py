"""Errors of SQLite, classified: the file is damaged, the disk refuses, or the program has a bug.

Owns the classification: a damaged file is set aside, and work waits for a disk that refuses.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Final

from tuishare.errors import BadConfiguration, DiskRefused, SystemFailed

DAMAGED_HINT: Final = (
    "Check free space and permissions; if it stays damaged, move the file away and start again."
)
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REFUSALS: Final = {
    sqlite3.SQLITE_FULL: "no space left on device",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "its files cannot be opened",
    sqlite3.SQLITE_BUSY: "another program holds it",
}
"""Primary result codes (sqlite.org/rescode.html) that do not concern the content of the file and may pass."""
_NEEDED: Final = 1 << 20
"""Bytes; with less free space than that, the full disk is the cause, whatever SQLite reports (shared memory that cannot
grow is an input/output error, a log that cannot be created an error of opening)."""


class DamagedDatabase(BadConfiguration):
    """The file is not an intact database."""


def classify(error: sqlite3.Error, path: Path) -> DamagedDatabase | SystemFailed:
    """Return the error to raise for an error of SQLite.

    Returns:
        `DamagedDatabase`, `DiskRefused`, or `SystemFailed` for any other cause.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGE:
        return DamagedDatabase(f"The database {path} is damaged: {error}", hint=DAMAGED_HINT)
    if code not in _REFUSALS:
        return SystemFailed(f"Cannot use the database {path}: {error}", hint=DAMAGED_HINT)
    return _refusal(code, path)


def _refusal(code: int, path: Path) -> DiskRefused:
    if code == sqlite3.SQLITE_FULL or _lacks_space(path.parent):
        return DiskRefused(
            f"Cannot write the database {path}: no space left on device",
            hint="Free some space on that disk; the agent then continues by itself.",
            full=True,
        )
    return DiskRefused(
        f"Cannot use the database {path}: {_REFUSALS[code]}",
        hint="Check the disk and the permissions of that folder; the agent then continues by itself.",
    )


def _lacks_space(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NEEDED
    except OSError:
        return False
