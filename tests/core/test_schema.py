"""State files of every schema that ever was open for ever."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tuishare.core.database import Database
from tuishare.core.records import DownloadRecord, DownloadStep, RecipientRecord, ShareStep
from tuishare.core.schema import MIGRATIONS
from tuishare.errors import Refused

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(GOLDEN / "tuishare-1.db", tmp_path / "tuishare.db"))


def test_the_first_schema_opens_with_all_it_held(old: Path) -> None:
    database = Database(old)
    seeding, problem = database.shares()
    assert (seeding.name, seeding.recipients, seeding.generation) == ("film.mkv", ("bob", "@crew"), 3)
    assert (seeding.step, seeding.sealed, seeding.info_hash) == (ShareStep.SEEDING, 3, "cd" * 32)
    assert (problem.name, problem.step, problem.sealed) == ("bücher", ShareStep.PROBLEM, 0)
    assert database.recipients() == [RecipientRecord(seeding.id, "bob", b"h" * 32)]
    (download,) = database.downloads()
    assert (download.step, download.path) == (DownloadStep.COMPLETE, "/home/alice/downloads/bob/photos")
    assert (download.contacts, download.envelope_hash) == (("192.0.2.7:50007", "[2001:db8::7]:50007"), b"")
    assert database.resume_data("ef" * 32) == b"d4:resumee"
    assert database.torrent(download.id) == b"d4:infod4:name6:photosee"
    assert download.weight == 24
    assert (download.cost, download.entries) == (download.size + 8192 * download.files, download.files + 1)
    database.close()


def test_its_ledger_still_refuses_replays(old: Path) -> None:
    database = Database(old)
    replay = DownloadRecord(
        id="x",
        envelope="e",
        added=1,
        step=DownloadStep.DOWNLOADING,
        signer=b"b" * 32,
        share="d4" * 16,
        generation=2,
    )
    with pytest.raises(Refused):
        database.admit(replay)
    database.close()


def test_an_opened_file_is_one_of_the_present_schema(old: Path, tmp_path: Path) -> None:
    Database(old).close()
    Database(tmp_path / "new.db").close()
    assert shape(old) == shape(tmp_path / "new.db")
    Database(old).close()  # and migrating is not done twice


def shape(path: Path) -> tuple[int, list[tuple[str, str]]]:
    connection = sqlite3.connect(path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute(
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
    ).fetchall()
    connection.close()
    return version, sorted(tables)


def test_the_version_counts_the_migrations(tmp_path: Path) -> None:
    Database(tmp_path / "new.db").close()
    assert shape(tmp_path / "new.db")[0] == len(MIGRATIONS)
