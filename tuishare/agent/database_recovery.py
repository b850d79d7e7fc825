"""Recovery of a damaged database: it is set aside, and a new one is made from what can still be read.

Owns what the new database gets: the readable part of the ledger, so that no replay is accepted; who was removed, so
that no introduction brings them back; and the ids of our shares, from the envelopes in the outbox and their copies, so
that recipients get the next generation and no duplicate.
Blocking: call it on a thread. Must not touch anything but the database: the agent rescans its folders anyway.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from tuishare.agent.downloads.files import ACCEPTED
from tuishare.config.model import Config
from tuishare.core.database import Database, Generation
from tuishare.core.introduction_records import KnownCard
from tuishare.core.problems import Problem
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.share_sealing import new_secret
from tuishare.core.sqlite_errors import DamagedDatabase, classify
from tuishare.envelope import MAX_SIZE, CardKey, Opened, OpeningKey, UserKey, open_envelope
from tuishare.errors import DiskRefused, TuishareError, from_os_error
from tuishare.fs.atomic import ENVELOPE_SUFFIX, read_limited
from tuishare.fs.fsync import fsync_folder
from tuishare.home_paths import Places
from tuishare.people import Identity, UserBook, load_book
from tuishare.torrents import parse_torrent

_COMPANIONS = ("-wal", "-shm")
_log = logging.getLogger(__name__)


def replace_damaged(places: Places, config: Config, identity: Identity, now: datetime) -> tuple[Problem, ...]:
    """Replace a damaged database; return the problem to show for that. Arguments and errors as for `ensure_intact`."""
    aside = ensure_intact(places, config, identity, now)
    if aside is None:
        return ()
    return (
        Problem(
            id="database",
            title="Database was damaged",
            detail=f"The damaged database is kept as {aside}; a new one was made from your folders",
            hint="Use `tuishare share` again for shares outside drop folders; delivered files are in your downloads.",
            since=int(now.timestamp()),
        ),
    )


def ensure_intact(places: Places, config: Config, identity: Identity, now: datetime) -> Path | None:
    """Replace a damaged database by a new one; a crash before the end leaves the damaged one in place.

    Args:
        places: of the home, which is locked.
        config: its settings.
        identity: ours.
        now: for the name of the damaged database.

    Returns:
        The path of the damaged database, or None if the database is intact.

    Raises:
        BadConfiguration: the database is from a newer version.
        DiskRefused: the disk refuses, which is no damage; nothing was changed.
        SystemFailed: the file system refused.
    """
    try:
        with contextlib.closing(Database(places.store_file)) as database:
            database.check(int(now.timestamp()))
    except DamagedDatabase as error:
        _log.error("%s", error.detail)
    else:
        return None
    try:
        return _Recovery(places, config, identity).replace(now)
    except OSError as error:
        raise from_os_error(error, f"replace the database {places.store_file}") from error
    except sqlite3.Error as error:
        raise classify(error, places.store_file) from error


@dataclass(frozen=True, slots=True)
class _Recovery:
    places: Places
    config: Config
    identity: Identity

    def replace(self, now: datetime) -> Path:
        damaged = self.places.store_file
        rebuilt = damaged.with_name(f"{damaged.name}.rebuilt")
        for leftover in (rebuilt, *(Path(f"{rebuilt}{companion}") for companion in _COMPANIONS)):
            leftover.unlink(missing_ok=True)
        with contextlib.closing(Database(rebuilt)) as database:
            database.remember(self.generations())
            database.save(*self.shares())
            database.save(*_read_known_cards(self.places.store_file))
        aside = damaged.with_name(f"{damaged.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
        aside.unlink(missing_ok=True)
        os.link(damaged, aside)
        # Before the new database gets the name: it must never use the companions of the damaged one.
        for companion in _COMPANIONS:
            with contextlib.suppress(FileNotFoundError):
                Path(f"{damaged}{companion}").rename(f"{aside}{companion}")
        rebuilt.replace(damaged)
        fsync_folder(damaged.parent)
        _log.error("The damaged database is kept as %s; a new one was made", aside)
        return aside

    def generations(self) -> Iterator[Generation]:
        """Yield the generations that must not be accepted again; those of envelopes still in the inbox may be."""
        folder = self.config.folders.inbox_path
        open_ended = {self._name(opened): opened.manifest.generation for _, opened in self._envelopes(folder)}
        for known in _read_ledger(self.places.store_file):
            waits = open_ended.get((known.signer, known.share)) == known.number
            yield replace(known, number=known.number - 1) if waits else known
        for _, opened in self._envelopes(folder / ACCEPTED):
            yield Generation(*self._name(opened), opened.manifest.generation)

    def shares(self) -> Iterator[ShareRecord]:
        """Yield our shares as withdrawn ones, which are shared again when their entries are found."""
        taken: set[tuple[str, str]] = set()
        # An envelope leaves the outbox when every recipient has it; links keep a copy.
        folders = (self.config.folders.outbox_path, self.places.link_outgoing)
        for envelope, opened in chain.from_iterable(map(self._envelopes, folders)):
            manifest = opened.manifest
            name = parse_torrent(manifest.torrent).name
            places = (drop for drop in self.config.drop if os.path.lexists(Path(drop.path) / name))
            folder = next((drop for drop in places if (drop.path, name) not in taken), None)
            if opened.signer in self.identity.signers and folder is not None:
                taken.add((folder.path, name))
                yield ShareRecord(
                    id=manifest.share_id.hex(),
                    path=str(Path(folder.path) / name),
                    name=name,
                    recipients=tuple(folder.users),
                    transport=folder.transport,
                    added=manifest.created,
                    secret=new_secret(),
                    folder=folder.path,
                    generation=manifest.generation,
                    step=ShareStep.WITHDRAWN,
                    info_hash=parse_torrent(manifest.torrent).info_hash,
                    envelope=envelope if envelope.endswith(ENVELOPE_SUFFIX) else "",
                )

    def _envelopes(self, folder: Path) -> Iterator[tuple[str, Opened]]:
        """Yield each envelope in a folder that one of our keys opens, with the name of its file."""
        own = (self.identity.private_key, *self.identity.retired)
        keys: list[OpeningKey] = [CardKey(key) for key in own]
        named = self._book().keys()
        keys += [UserKey(key) for _, key in named]
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(folder)):
                if name.endswith(ENVELOPE_SUFFIX) or folder == self.places.link_outgoing:
                    with contextlib.suppress(TuishareError):
                        yield name, open_envelope(read_limited(folder / name, MAX_SIZE), keys)

    def _name(self, opened: Opened) -> tuple[bytes, str]:
        return self._book().first_signer(opened.signer), opened.manifest.share_id.hex()

    def _book(self) -> UserBook:
        try:
            return load_book(self.places.users_file)
        except TuishareError:
            return UserBook()


def _read_ledger(path: Path) -> Iterator[Generation]:
    """Yield the rows of the ledger that can still be read."""
    for row in _read_rows(path, "ledger", "signer, share, generation"):
        match row:
            case (bytes() as signer, str() as share, int() as number):
                yield Generation(signer, share, number)


def _read_known_cards(path: Path) -> Iterator[KnownCard]:
    """Yield the cards that are, or were, in the user book, as far as they can still be read."""
    for row in _read_rows(path, "known_cards", "signer, name, removed"):
        match row:
            case (bytes() as signer, str() as name, int() as removed):
                yield KnownCard(signer, name, removed)


def _read_rows(path: Path, table: str, columns: str) -> Iterator[tuple[object, object, object]]:
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            yield from connection.execute(f"SELECT {columns} FROM {table}")  # noqa: S608 — our own names
    except sqlite3.Error as error:
        refusal = classify(error, path)
        if isinstance(refusal, DiskRefused) and refusal.full:
            raise refusal from error  # with free space, all of it may be readable
        _log.warning("Cannot read all of the %s: %s", table, error)
