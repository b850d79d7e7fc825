"""What a hub keeps: members, enrolment strings, and the parcels of each mailbox.

Owns the database and the folder of parcels, and their agreement: a parcel is in a mailbox once its row is committed,
and its file was on disk before; its row goes before its file does. What a crash leaves between is removed at the next
start. Blocking: `tuishare.hub.mailboxes` calls it on one thread. Must not know connections or limits.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.core.sqlite_errors import classify
from tuishare.errors import BadConfiguration, from_os_error
from tuishare.fs.atomic import make_private
from tuishare.fs.fsync import fsync_folder

_MAILBOXES: Final = (
    """
    CREATE TABLE members (
        mailbox BLOB PRIMARY KEY, link_key BLOB NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, write_hash BLOB NOT NULL,
        enrolled INTEGER NOT NULL, seen INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE TABLE strings (token_hash BLOB PRIMARY KEY, name TEXT NOT NULL, until INTEGER NOT NULL) STRICT",
    # `present` is 0 once the member has deleted the parcel: a sender who missed our confirmation may put it again.
    """
    CREATE TABLE parcels (
        mailbox BLOB NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL,
        present INTEGER NOT NULL, PRIMARY KEY (mailbox, digest)
    ) STRICT
    """,
)
_REACH: Final = (
    # Which of the ports that may be lent are a member's, counted from 0, three for each.
    "CREATE TABLE lent (mailbox BLOB PRIMARY KEY, number INTEGER NOT NULL UNIQUE) STRICT",
)
_VERSIONS: Final = (_MAILBOXES, _REACH)
"""What each version of the database adds."""
_REMEMBERED: Final = 2_000
"""Deleted parcels of a mailbox that are remembered."""


@dataclass(frozen=True, slots=True)
class HubMember:
    """One member; times in Unix seconds.

    Attributes:
        mailbox: id, 16 bytes.
        link_key: by which they are recognised, 32 bytes.
        name: that the operator of the hub gave them.
        write_hash: SHA-256 of the key by which parcels are put into the mailbox.
        enrolled: since when.
        seen: when they were connected last.
    """

    mailbox: bytes
    link_key: bytes
    name: str
    write_hash: bytes
    enrolled: int
    seen: int


@dataclass(frozen=True, slots=True)
class EnrolmentString:
    """A string that was given out and not used; `until` is in Unix seconds."""

    token_hash: bytes
    name: str
    until: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel in a mailbox; `at` is in Unix seconds."""

    mailbox: bytes
    digest: bytes
    size: int
    at: int


class HubStore:
    """The open store.

    Raises:
        sqlite3.Error: from every method, see `tuishare.core.sqlite_errors.classify`.
        OSError: likewise.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the store in a private folder, and remove what a crash has left.

        Raises:
            DiskRefused: the disk refuses.
            BadConfiguration: the database is damaged, or was made by a newer version.
        """
        self._parcels = folder / "parcels"
        self._incoming = folder / "incoming"
        self._path = folder / "hub.db"
        make_private(self._parcels)
        make_private(self._incoming)
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
                self._sweep()
            except BaseException:
                self._database.close()
                raise
        except sqlite3.Error as error:
            raise classify(error, self._path) from error
        except OSError as error:
            raise from_os_error(error, f"open the store {folder}") from error

    @property
    def path(self) -> Path:
        """The database."""
        return self._path

    def close(self) -> None:
        """Close the database; everything is saved already."""
        self._database.close()

    def free_space(self) -> int:
        """Return the free bytes of the disk."""
        return shutil.disk_usage(self._parcels).free

    def incoming_path(self, name: str) -> Path:
        """Return where a parcel is written before `put`; what is there at a start is removed."""
        return self._incoming / name

    def members(self) -> list[HubMember]:
        """Return all members, oldest first."""
        rows = self._database.execute(
            "SELECT mailbox, link_key, name, write_hash, enrolled, seen FROM members ORDER BY enrolled, rowid"
        )
        return [HubMember(*row) for row in rows]

    def strings(self) -> list[EnrolmentString]:
        """Return the enrolment strings that may still be used, or have ended."""
        rows = self._database.execute("SELECT token_hash, name, until FROM strings ORDER BY rowid")
        return [EnrolmentString(*row) for row in rows]

    def add_string(self, string: EnrolmentString) -> None:
        """Save an enrolment string."""
        self._database.execute(
            "INSERT INTO strings VALUES (?, ?, ?)", (string.token_hash, string.name, string.until)
        )

    def drop_string(self, token_hash: bytes) -> None:
        """Delete an enrolment string."""
        self._database.execute("DELETE FROM strings WHERE token_hash = ?", (token_hash,))

    def enrol(self, token_hash: bytes, member: HubMember) -> None:
        """Use an enrolment string up for a member; both or neither."""
        with self._transaction():
            self._database.execute("DELETE FROM strings WHERE token_hash = ?", (token_hash,))
            self._database.execute(
                "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(member.mailbox, member.link_key, member.name, member.write_hash),
                    *(member.enrolled, member.seen),
                ),
            )

    def note_seen(self, mailbox: bytes, write_hash: bytes, now: int) -> None:
        """Save that a member is connected, and the hash of the key by which parcels are put from now on."""
        self._database.execute(
            "UPDATE members SET write_hash = ?, seen = ? WHERE mailbox = ?", (write_hash, now, mailbox)
        )

    def remove_member(self, mailbox: bytes) -> None:
        """Delete a member with all parcels."""
        with self._transaction():
            self._database.execute("DELETE FROM members WHERE mailbox = ?", (mailbox,))
            self._database.execute("DELETE FROM parcels WHERE mailbox = ?", (mailbox,))
            self._database.execute("DELETE FROM lent WHERE mailbox = ?", (mailbox,))
        shutil.rmtree(self._folder(mailbox), ignore_errors=True)

    def lent_number(self, mailbox: bytes, most: int) -> int | None:
        """Return which lent ports are those of a member, below `most`; kept from the first time on, None if all are."""
        found = self._database.execute("SELECT number FROM lent WHERE mailbox = ?", (mailbox,)).fetchone()
        if found is not None:
            return int(found[0]) if found[0] < most else None
        taken = {number for (number,) in self._database.execute("SELECT number FROM lent")}
        free = next((number for number in range(most) if number not in taken), None)
        if free is not None:
            self._database.execute("INSERT INTO lent VALUES (?, ?)", (mailbox, free))
        return free

    def parcels(self) -> list[Parcel]:
        """Return the parcels in all mailboxes, in the order of their coming."""
        rows = self._database.execute(
            "SELECT mailbox, digest, size, at FROM parcels WHERE present ORDER BY rowid"
        )
        return [Parcel(*row) for row in rows]

    def was_put(self, mailbox: bytes, digest: bytes) -> bool:
        """Return whether a parcel was put before, deleted ones included."""
        found = self._database.execute(
            "SELECT 1 FROM parcels WHERE mailbox = ? AND digest = ?", (mailbox, digest)
        )
        return found.fetchone() is not None

    def put(self, parcel: Parcel, written: Path) -> bool:
        """Put a parcel into its mailbox, durably.

        Args:
            parcel: whose mailbox exists.
            written: its content, flushed to disk; moved away.

        Returns:
            Whether it is new there; otherwise `written` was removed.
        """
        if self.was_put(parcel.mailbox, parcel.digest):
            written.unlink(missing_ok=True)
            return False
        folder = self._folder(parcel.mailbox)
        if not folder.exists():
            folder.mkdir(mode=0o700)
            fsync_folder(self._parcels)
        place = self.content_path(parcel.mailbox, parcel.digest)
        written.replace(place)
        try:
            fsync_folder(folder)
            self._database.execute(
                "INSERT INTO parcels VALUES (?, ?, ?, ?, 1)",
                (parcel.mailbox, parcel.digest, parcel.size, parcel.at),
            )
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        return True

    def content_path(self, mailbox: bytes, digest: bytes) -> Path:
        """Return where the content of a parcel is."""
        return self._folder(mailbox) / digest.hex()

    def delete(self, mailbox: bytes, digest: bytes) -> None:
        """Delete a parcel, and remember that it was there."""
        with self._transaction():
            self._database.execute(
                "UPDATE parcels SET present = 0 WHERE mailbox = ? AND digest = ?", (mailbox, digest)
            )
            self._database.execute(
                "DELETE FROM parcels WHERE mailbox = ?1 AND NOT present AND rowid NOT IN"
                " (SELECT rowid FROM parcels WHERE mailbox = ?1 AND NOT present ORDER BY rowid DESC LIMIT ?2)",
                (mailbox, _REMEMBERED),
            )
        self.content_path(mailbox, digest).unlink(missing_ok=True)

    def forget(self, mailbox: bytes, digest: bytes) -> None:
        """Delete a parcel as if it had never been there, so that it may be put again."""
        self._database.execute("DELETE FROM parcels WHERE mailbox = ? AND digest = ?", (mailbox, digest))
        self.content_path(mailbox, digest).unlink(missing_ok=True)

    def expire(self, before: int) -> list[Parcel]:
        """Delete the parcels that were put before a time in Unix seconds, and return them."""
        expired = [parcel for parcel in self.parcels() if parcel.at < before]
        with self._transaction():
            self._database.execute("DELETE FROM parcels WHERE at < ?", (before,))
        for parcel in expired:
            self.content_path(parcel.mailbox, parcel.digest).unlink(missing_ok=True)
        return expired

    def _folder(self, mailbox: bytes) -> Path:
        return self._parcels / mailbox.hex()

    def _prepare(self) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        (found,) = self._database.execute("PRAGMA user_version").fetchone()
        if found > len(_VERSIONS):
            raise BadConfiguration(
                f"The database {self._path} was made by a newer tuishare", hint="Update tuishare."
            )
        if found < len(_VERSIONS):
            with self._transaction():
                for statement in itertools.chain.from_iterable(_VERSIONS[found:]):
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version = {len(_VERSIONS)}")

    def _sweep(self) -> None:
        """Remove files without a row, and rows without a file: a disk that lost one must not stop its mailbox."""
        for left in self._incoming.iterdir():
            left.unlink(missing_ok=True)
        known = {(parcel.mailbox.hex(), parcel.digest.hex()): parcel for parcel in self.parcels()}
        for folder in self._parcels.iterdir():
            for file in folder.iterdir():
                if known.pop((folder.name, file.name), None) is None:
                    file.unlink(missing_ok=True)
        for parcel in known.values():
            self._database.execute(
                "DELETE FROM parcels WHERE mailbox = ? AND digest = ?", (parcel.mailbox, parcel.digest)
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
