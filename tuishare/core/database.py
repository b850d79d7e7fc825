"""The SQLite database of one home: its transactions, and records in and out.

Owns durability (WAL with ``synchronous=FULL``: what was saved is on disk) and the check of the file. Blocking: the
agent calls it on one thread, see `tuishare.agent.state.store`. Must not decide anything.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, TypeVar

from tuishare.core.introduction_records import GivenIntroduction, KnownCard, ReceivedIntroduction
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinRecord
from tuishare.core.records import (
    ArrivalRecord,
    DownloadRecord,
    EventRecord,
    HandoverRecord,
    HandoverState,
    KnownAddressRecord,
    ReceiptRecord,
    RecipientRecord,
    ShareRecord,
    ShareStep,
)
from tuishare.core.rows import TABLES, DamagedRow, DamagedRows, Record, as_text, decode, encode
from tuishare.core.schema import MIGRATIONS
from tuishare.core.sqlite_errors import DAMAGED_HINT, DamagedDatabase, classify
from tuishare.errors import BadConfiguration, DiskRefused, Refused, from_os_error
from tuishare.torrents import InfoHash

_log = logging.getLogger(__name__)

EVENTS_KEPT: Final = 10_000


_BUSY_SECONDS: Final = 10.0  # `create` may write while the agent does


_LOG_KEPT: Final = 4 << 20  # bytes; the log of one large torrent would stay as large otherwise


_ONE_VALUE: Final = re.compile(r"(non-\w+|NULL|TEXT|NUMERIC) value in \w+\.\w+")
"""SQLite's message about a value that its column does not allow: one row is damaged, the file is not."""


_Record = TypeVar(
    "_Record",
    ShareRecord,
    RecipientRecord,
    DownloadRecord,
    KnownAddressRecord,
    HandoverRecord,
    ReceiptRecord,
    ArrivalRecord,
    InvitationRecord,
    JoinerRecord,
    JoinRecord,
    GivenIntroduction,
    ReceivedIntroduction,
    KnownCard,
)


@dataclass(frozen=True, slots=True)
class Generation:
    """One row of the ledger: no generation of this signer's share up to this number is accepted again."""

    signer: bytes
    share: str
    number: int


class Database:
    """The open database; all methods block and belong to one thread.

    Raises:
        sqlite3.Error: from any method; see `classify`.
        DiskRefused: from the constructor if the disk or the file system refuses, which never counts as damage.
        DamagedDatabase: from the constructor if the file is damaged.
        BadConfiguration: from the constructor if a newer version has made the file.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file, mode 0600."""
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._connection.text_factory = as_text
        except OSError as error:
            raise from_os_error(error, f"open the database {path}") from error
        except sqlite3.Error as error:
            raise classify(error, path) from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self.close()
            raise classify(error, path) from error
        except BadConfiguration:
            self.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA journal_size_limit = {_LOG_KEPT}")
        with self.transaction():
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            if found > len(MIGRATIONS):
                raise BadConfiguration(
                    f"The database {path} was made by a newer tuishare",
                    hint="Install that version again, or use another TUISHARE_HOME.",
                )
            for statements in MIGRATIONS[found:]:
                for statement in statements:
                    self._connection.execute(statement)
            if found < len(MIGRATIONS):  # otherwise nothing is written: the disk may be full
                self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def check(self, now: int) -> None:
        """Read everything once, because SQLite does not notice overwritten data by itself.

        A row that cannot be decoded is set aside, see `damaged`; all others stay.

        Args:
            now: Unix seconds.

        Raises:
            DamagedDatabase: the file is damaged.
            DiskRefused: the file cannot be read or written now.
        """
        try:
            said = [text for (text,) in self._connection.execute("PRAGMA quick_check")]
            verdict = next((text for text in said if text != "ok" and not _ONE_VALUE.match(text)), "")
            if not verdict:
                self._set_aside(now)
        except sqlite3.DatabaseError as error:
            if isinstance(refusal := classify(error, self._path), DiskRefused):
                raise refusal from error
            verdict = str(error)
        if verdict:
            raise DamagedDatabase(f"The database is damaged: {verdict}", hint=DAMAGED_HINT)

    def _set_aside(self, now: int) -> None:
        rows = DamagedRows(self._connection)
        if found := rows.find():  # otherwise nothing is written: the disk may be full
            with self.transaction():
                for table, rowid, fault in found:
                    _log.error("A row of %s is damaged and was set aside: %s", table, fault)
                    rows.set_aside(table, rowid, fault, now)

    def damaged(self, *tables: str) -> list[DamagedRow]:
        """Return the rows of these tables that were set aside, oldest first."""
        return [row for row in DamagedRows(self._connection).listed() if row.table in tables]

    def drop_damaged(self, row: DamagedRow) -> None:
        """Delete a row that was set aside."""
        with self.transaction():
            DamagedRows(self._connection).drop(row.number)

    def close(self) -> None:
        """Close the file; everything is saved already."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Save all changes of the block, or none of them."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a disk that refuses may have ended it already
                self._connection.execute("ROLLBACK")
            raise

    def save(self, *records: Record) -> None:
        """Insert the records, replacing those with the same key; all or none."""
        with self.transaction():
            for record in records:
                self._put(record)

    def _put(self, record: Record) -> None:
        if isinstance(record, DownloadRecord) and not record.replaces:
            self._connection.execute("DELETE FROM replaced WHERE download = ?", (record.id,))
        row = encode(record)
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT OR REPLACE INTO {TABLES[type(record)]} ({names}) VALUES ({marks})"  # noqa: S608 — our fields' names
        self._connection.execute(statement, tuple(row.values()))

    def shares(self) -> list[ShareRecord]:
        """Return all shares, oldest first."""
        return self._all(ShareRecord, "ORDER BY added, id")

    def share_by_info_hash(self, info_hash: str) -> ShareRecord | None:
        """Return the newest share of a torrent, or None."""
        found = self._all(
            ShareRecord, "WHERE info_hash = ? ORDER BY added DESC, rowid DESC LIMIT 1", info_hash
        )
        return found[0] if found else None

    def share_name(self, share: str) -> str:
        """Return the name of a share; empty if there is none."""
        row = self._connection.execute("SELECT name FROM shares WHERE id = ?", (share,)).fetchone()
        return "" if row is None else str(row[0])

    def own_share(self, info_hash: str) -> str:
        """Return the name of the agent's own share of a torrent; empty without one."""
        row = self._connection.execute(
            "SELECT name FROM shares WHERE info_hash = ? AND step != ?", (info_hash, ShareStep.MANUAL)
        ).fetchone()
        return "" if row is None else str(row[0])

    def skip_generations(self, number: int) -> None:
        """Leave out so many generations of every share: they may have gone out from another copy of this database."""
        with self.transaction():
            self._connection.execute(
                "UPDATE shares SET generation = generation + ? WHERE generation > sealed", (number,)
            )
            self._connection.execute("UPDATE shares SET skip = ? WHERE generation = sealed", (number,))

    def recipients(self) -> list[RecipientRecord]:
        """Return the recipients of all shares, past ones included."""
        return self._all(RecipientRecord, "ORDER BY share, user")

    def set_recipients(self, share: str, recipients: Iterable[RecipientRecord]) -> None:
        """Replace the recipients of a share."""
        with self.transaction():
            self._connection.execute("DELETE FROM recipients WHERE share = ?", (share,))
            for recipient in recipients:
                self._put(recipient)

    def downloads(self) -> list[DownloadRecord]:
        """Return all downloads, oldest first."""
        return self._all(DownloadRecord, "ORDER BY added, id")

    def record_rejection(self, record: DownloadRecord) -> None:
        """Delete a download and enter its generation into the ledger, whether it was admitted or not."""
        with self.transaction():
            self._remember(Generation(record.signer, record.share, record.generation))
            self._connection.execute("DELETE FROM downloads WHERE id = ?", (record.id,))
            for table in ("torrents", "replaced"):
                self._connection.execute(f"DELETE FROM {table} WHERE download = ?", (record.id,))  # noqa: S608

    def delete_share(self, share: str) -> None:
        """Delete a share with its tickets and handovers."""
        with self.transaction():
            self._connection.execute("DELETE FROM handovers WHERE share = ?", (share,))
            self._connection.execute("DELETE FROM recipients WHERE share = ?", (share,))
            self._connection.execute("DELETE FROM shares WHERE id = ?", (share,))

    def admit(self, record: DownloadRecord, torrent: bytes | None = None) -> None:
        """Save a download whose generation is new from its signer, and enter the generation into the ledger.

        Resume data of an earlier download of the same torrent is dropped.

        Args:
            record: of the download.
            torrent: its torrent; None: it is stored already.

        Raises:
            Refused: this or a newer generation was admitted before (a replay, also after the download was removed).
        """
        with self.transaction():
            self.require_new(record)
            self._remember(Generation(record.signer, record.share, record.generation))
            self.forget_resume(record.info_hash)
            self._put(record)
            self._put_torrent(record, torrent)

    def hold(self, record: DownloadRecord, torrent: bytes | None = None) -> None:
        """Save a download that is not admitted yet, without entering its generation; arguments as for `admit`.

        Raises:
            Refused: this or a newer generation was admitted before.
        """
        with self.transaction():
            self.require_new(record)
            self._put(record)
            self._put_torrent(record, torrent)

    def torrent(self, download: str) -> bytes:
        """Return the torrent of a download; empty without one."""
        return self._torrent("torrents", download)

    def replaced_torrent(self, download: str) -> bytes:
        """Return the torrent of the payload that a download is to replace; empty if unknown."""
        return self._torrent("replaced", download)

    def _torrent(self, table: str, download: str) -> bytes:
        statement = f"SELECT torrent FROM {table} WHERE download = ?"  # noqa: S608 — our tables' names
        row = self._connection.execute(statement, (download,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else b""

    def _put_torrent(self, record: DownloadRecord, torrent: bytes | None) -> None:
        if record.replaces:
            # The torrent of the delivered generation, also for a generation that replaces an undelivered one.
            self._connection.execute(
                "INSERT OR IGNORE INTO replaced SELECT * FROM torrents WHERE download = ?", (record.id,)
            )
        if torrent is not None:
            self._connection.execute("INSERT OR REPLACE INTO torrents VALUES (?, ?)", (record.id, torrent))

    def renew(self, record: DownloadRecord) -> None:
        """Save a download with new tickets, and enter their generation into the ledger.

        Raises:
            Refused: this or a newer generation was admitted before.
        """
        with self.transaction():
            self.require_new(record)
            self._remember(Generation(record.signer, record.share, record.generation))
            self._put(record)

    def has_envelope(self, record: DownloadRecord) -> bool:
        """Return whether any generation of a download was admitted before, removed ones included."""
        row = self._connection.execute(
            "SELECT 1 FROM ledger WHERE signer = ? AND share = ?", (record.signer, record.share)
        ).fetchone()
        return row is not None

    def require_new(self, record: DownloadRecord) -> None:
        """Require that neither this nor a newer generation was admitted before, and that no newer one is waiting.

        Raises:
            Refused: it was, or one is.
        """
        (known,) = self._connection.execute(
            "SELECT max(generation) FROM (SELECT generation FROM ledger WHERE signer = ?1 AND share = ?2"
            # A download that waits for approval may itself be admitted.
            " UNION ALL SELECT generation - 1 FROM downloads WHERE signer = ?1 AND share = ?2)",
            (record.signer, record.share),
        ).fetchone()
        if known is not None and not isinstance(known, int):
            raise Refused(
                "The record of the versions that you received of this share is damaged",
                hint="Ask the sender to forget the share and to share it again.",
            )
        if known is not None and record.generation <= known:
            raise Refused(
                f"Version {record.generation} of this share was received before",
                hint="Ask the sender to share it again if you still need it.",
            )

    def remember(self, generations: Iterable[Generation]) -> None:
        """Enter generations into the ledger, so that they are not accepted again."""
        with self.transaction():
            for generation in generations:
                self._remember(generation)

    def _remember(self, generation: Generation) -> None:
        self._connection.execute(
            "INSERT INTO ledger VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET generation = max(generation, excluded.generation)",
            (generation.signer, generation.share, generation.number),
        )

    def address_records(self) -> list[KnownAddressRecord]:
        """Return the newest address record of every signer."""
        return self._all(KnownAddressRecord, "ORDER BY signer")

    def save_address_record(self, record: KnownAddressRecord) -> bool:
        """Save an address record; return False, and change nothing, if one that is not older is known."""
        found = self._connection.execute(
            "INSERT INTO address_records (signer, sequence, signed) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET sequence = excluded.sequence, signed = excluded.signed"
            " WHERE excluded.sequence > sequence",
            (record.signer, record.sequence, record.signed),
        )
        return found.rowcount > 0

    def save_introducible_record(self, signer: bytes, signed: bytes) -> None:
        """Save the record that a user whose address record is known lets others pass on."""
        self._connection.execute(
            "UPDATE address_records SET introducible = ? WHERE signer = ?", (signed, signer)
        )

    def handovers(self) -> list[HandoverRecord]:
        """Return the handovers of all shares, in the order of their beginning."""
        return self._all(HandoverRecord, "ORDER BY rowid")

    def queue_handovers(self, share: str, records: Iterable[HandoverRecord]) -> None:
        """Replace the handovers of a share: a waiting envelope of an earlier version is no longer handed over."""
        with self.transaction():
            self._connection.execute("DELETE FROM handovers WHERE share = ?", (share,))
            for record in records:
                self._put(record)

    def cancel_handovers(self, share: str) -> None:
        """Delete the handovers of a share that wait."""
        self._connection.execute(
            "DELETE FROM handovers WHERE share = ? AND state = ?", (share, HandoverState.WAITING)
        )

    def receipts(self, share: str = "") -> list[ReceiptRecord]:
        """Return the receipts for a share, named by its id or name, or for all, in the order in which they came."""
        return self._all(ReceiptRecord, "WHERE ?1 IN ('', share, name) ORDER BY rowid", share)

    def keep_receipt(self, record: ReceiptRecord, handover: HandoverRecord | None, most: int) -> None:
        """Keep a receipt, and what it says of the newest envelope of its share.

        Args:
            record: of the receipt; the name of its share is filled in. The first of an envelope in a state stays.
            handover: as it is now; None: the receipt is kept only if there is an earlier one for its envelope.
            most: of that recipient; the oldest beyond are deleted.
        """
        with self.transaction():
            known = self._all(
                ReceiptRecord, "WHERE recipient = ? AND digest = ?", record.recipient, record.digest
            )
            if handover is not None:
                self._put(handover)
                record = replace(record, name=self.share_name(record.share))
            elif known and (known[0].share, known[0].generation) == (record.share, record.generation):
                record = replace(record, name=known[0].name, user=known[0].user)
            else:
                return
            if all(each.state != record.state for each in known):
                self._put(record)
                self._connection.execute(
                    "DELETE FROM receipts WHERE recipient = ?1 AND rowid NOT IN"
                    " (SELECT rowid FROM receipts WHERE recipient = ?1 ORDER BY rowid DESC LIMIT ?2)",
                    (record.recipient, most),
                )

    def arrivals(self) -> list[ArrivalRecord]:
        """Return what came by link, oldest first."""
        return self._all(ArrivalRecord, "ORDER BY at, rowid")

    def save_arrival(self, record: ArrivalRecord, most: int) -> None:
        """Save an arrival, and delete the oldest of the same contact beyond a number, unless a receipt is owed."""
        with self.transaction():
            self._put(record)
            self._connection.execute(
                "DELETE FROM arrivals WHERE signer = ?1 AND NOT owed AND rowid NOT IN"
                " (SELECT rowid FROM arrivals WHERE signer = ?1 ORDER BY rowid DESC LIMIT ?2)",
                (record.signer, most),
            )

    def find(self, kind: type[_Record], clause: str, *parameters: object) -> list[_Record]:
        """Return the records of one kind that a clause selects, such as ``WHERE id = ?``; for modules of this room."""
        return self._all(kind, clause, *parameters)

    def remove(self, kind: type[Record], clause: str, *parameters: object) -> None:
        """Delete the records of one kind that a clause selects; for modules of this room."""
        self._connection.execute(f"DELETE FROM {TABLES[kind]} {clause}", parameters)  # noqa: S608 — our tables' names

    def resume_data(self, info_hash: str) -> bytes | None:
        """Return the resume data of a torrent, or None."""
        row = self._connection.execute("SELECT data FROM resume WHERE info_hash = ?", (info_hash,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def save_resume(self, data: Mapping[InfoHash, bytes]) -> None:
        """Save resume data by info-hash."""
        with self.transaction():
            self._connection.executemany("INSERT OR REPLACE INTO resume VALUES (?, ?)", data.items())

    def forget_resume(self, info_hash: str) -> None:
        """Delete the resume data of a torrent."""
        self._connection.execute("DELETE FROM resume WHERE info_hash = ?", (info_hash,))

    def note(self, events: Iterable[EventRecord]) -> None:
        """Save entries of the activity log, and delete the oldest beyond `EVENTS_KEPT`."""
        rows = [(event.at, event.kind, event.subject, event.detail) for event in events]
        with self.transaction():
            self._connection.executemany(
                "INSERT INTO events (at, kind, subject, detail) VALUES (?, ?, ?, ?)", rows
            )
            self._connection.execute(
                "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (EVENTS_KEPT,)
            )

    def events(self, limit: int) -> list[EventRecord]:
        """Return the last entries of the activity log, newest first."""
        rows = self._connection.execute(
            "SELECT at, kind, subject, detail, id FROM events ORDER BY id DESC LIMIT ?", (limit,)
        )
        return [EventRecord(*row) for row in rows]

    def _all(self, kind: type[_Record], clause: str, *parameters: object) -> list[_Record]:
        names = [field.name for field in fields(kind)]
        statement = f"SELECT {', '.join(names)} FROM {TABLES[kind]} {clause}"  # noqa: S608 — our fields' names
        found: list[_Record] = []
        for row in self._connection.execute(statement, parameters):
            try:
                found.append(decode(kind, dict(zip(names, row, strict=True))))
            except ValueError as error:  # it came after `check`, or there was none
                _log.error("A row of %s is damaged: %s", TABLES[kind], error)
        return found
