"""The database of the web page: accounts, sessions and one-time links.

Owns the SQLite file, mode 0600. Of tokens it holds hashes only. Two processes use it: the page, and commands such as
`tuishare web link`. Blocking: `tuishare.web.sessions` calls it on one thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.api.operation import Role
from tuishare.core.sqlite_errors import classify
from tuishare.errors import BadConfiguration, from_os_error

_VERSION: Final = 1
_SCHEMA: Final = (
    """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE, role TEXT NOT NULL,
        password TEXT NOT NULL, created INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE sessions (
        token_hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
        created INTEGER NOT NULL, seen INTEGER NOT NULL, browser TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE links (
        token_hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
        until INTEGER NOT NULL
    ) STRICT
    """,
)
_BUSY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in; times in Unix seconds.

    Attributes:
        id: never used twice.
        name: to log in with; upper and lower case are the same.
        role: what the account may do.
        password: hash in the PHC string format; empty: none was chosen.
        created: when it was made.
    """

    id: int
    name: str
    role: Role
    password: str
    created: int


@dataclass(frozen=True, slots=True)
class WebSession:
    """One browser that is logged in; times in Unix seconds.

    Attributes:
        token_hash: SHA-256 of the token in its cookie.
        account: whose it is.
        created: when it logged in.
        seen: when it was used last, to the minute.
        browser: what it calls itself; untrusted text.
    """

    token_hash: bytes
    account: Account
    created: int
    seen: int
    browser: str


class WebDatabase:
    """The open database.

    Raises:
        SystemFailed: from every method: the disk refuses.
        BadConfiguration: from every method: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            BadConfiguration: it was made by a newer version.
        """
        self._path = path
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise from_os_error(error, f"open the database {path}") from error
        try:
            self._database = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise classify(error, path) from error
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._classified():
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            (found,) = self._database.execute("PRAGMA user_version").fetchone()
            if found > _VERSION:
                raise BadConfiguration(
                    f"The database {self._path} was made by a newer tuishare",
                    hint="Install that version again, or move the file away: accounts are then made again.",
                )
            if not found:
                for statement in _SCHEMA:
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put_account(self, name: str, role: Role, now: int) -> Account:
        """Return the account of this name, which is made with this role if there is none."""
        with self._transaction():
            self._database.execute(
                "INSERT INTO accounts (name, role, password, created) VALUES (?, ?, '', ?)"
                " ON CONFLICT DO NOTHING",
                (name, role.value, now),
            )
        found = self.find_account(name)
        assert found is not None
        return found

    def find_account(self, name: str) -> Account | None:
        """Return the account of this name, or None."""
        return next(self._accounts("WHERE name = ?", name), None)

    def find_owner(self) -> Account | None:
        """Return the owner's account, or None before it was made."""
        return next(self._accounts("WHERE role = ?", Role.OWNER.value), None)

    def set_password(self, account: int, password: str) -> None:
        """Set the hash of an account's password."""
        with self._transaction():
            self._database.execute("UPDATE accounts SET password = ? WHERE id = ?", (password, account))

    def remove_account(self, account: int) -> None:
        """Remove an account with its sessions and links."""
        with self._transaction():
            self._database.execute("DELETE FROM accounts WHERE id = ?", (account,))

    def add_link(self, token_hash: bytes, account: int, until: int) -> None:
        """Record a one-time link; earlier ones of the account no longer work."""
        with self._transaction():
            self._database.execute("DELETE FROM links WHERE account = ?", (account,))
            self._database.execute("INSERT INTO links VALUES (?, ?, ?)", (token_hash, account, until))

    def take_link(self, token_hash: bytes, now: int) -> Account | None:
        """Use a link up; return its account, or None if it is unknown, used or over."""
        with self._transaction():
            rows = self._database.execute(
                "DELETE FROM links WHERE token_hash = ? RETURNING account, until", (token_hash,)
            ).fetchall()
        if not rows or rows[0][1] <= now:
            return None
        return next(self._accounts("WHERE id = ?", rows[0][0]), None)

    def add_session(self, token_hash: bytes, account: int, now: int, browser: str) -> None:
        """Record a session that begins."""
        with self._transaction():
            self._database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", (token_hash, account, now, now, browser)
            )

    def find_session(self, token_hash: bytes) -> WebSession | None:
        """Return a session, whatever its age, or None."""
        return next(self._sessions("WHERE token_hash = ?", token_hash), None)

    def sessions_of(self, account: int) -> list[WebSession]:
        """Return the sessions of an account, the latest first."""
        return list(self._sessions("WHERE account = ? ORDER BY sessions.created DESC", account))

    def touch_session(self, token_hash: bytes, now: int) -> None:
        """Record that a session was used."""
        with self._transaction():
            self._database.execute("UPDATE sessions SET seen = ? WHERE token_hash = ?", (now, token_hash))

    def remove_session(self, token_hash: bytes) -> None:
        """End a session."""
        with self._transaction():
            self._database.execute("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))

    def remove_sessions(self, account: int, *, but: bytes = b"") -> None:
        """End all sessions of an account but one."""
        with self._transaction():
            self._database.execute(
                "DELETE FROM sessions WHERE account = ? AND token_hash <> ?", (account, but)
            )

    def sweep(self, created_before: int, seen_before: int, now: int) -> None:
        """Remove sessions and links that are over."""
        with self._transaction():
            self._database.execute(
                "DELETE FROM sessions WHERE created < ? OR seen < ?", (created_before, seen_before)
            )
            self._database.execute("DELETE FROM links WHERE until <= ?", (now,))

    def _accounts(self, where: str, value: object) -> Iterator[Account]:
        columns = "id, name, role, password, created"
        with self._classified():
            rows = self._database.execute(f"SELECT {columns} FROM accounts {where}", (value,)).fetchall()  # noqa: S608
        return (Account(id_, found, Role(role), *rest) for id_, found, role, *rest in rows)

    def _sessions(self, where: str, value: object) -> Iterator[WebSession]:
        columns = (
            "token_hash, sessions.created, seen, browser, accounts.id, name, role, password, accounts.created"
        )
        query = f"SELECT {columns} FROM sessions JOIN accounts ON accounts.id = account {where}"  # noqa: S608
        with self._classified():
            rows = self._database.execute(query, (value,)).fetchall()
        for token_hash, created, seen, browser, id_, name, role, password, made in rows:
            yield WebSession(
                token_hash, Account(id_, name, Role(role), password, made), created, seen, browser
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._classified():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _classified(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise classify(error, self._path) from error
