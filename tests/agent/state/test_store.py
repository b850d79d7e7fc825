"""The store on a real file: round trips, the ledger, durability, modes."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tuishare.agent.state.store import Store
from tuishare.core.database import Database
from tuishare.core.records import DownloadRecord, DownloadStep, RecipientRecord, ShareRecord, ShareStep
from tuishare.errors import BadConfiguration, DiskRefused, Refused, SystemFailed
from tuishare.torrents import InfoHash

SHARE = ShareRecord(
    id="ab" * 16, path="/drop/a", name="a", recipients=("bob", "@crew"), transport="tls", added=5, secret=b"s" * 32,
    step=ShareStep.SEEDING, torrent=b"d4:infode", info_hash="cd" * 32,
)  # fmt: skip
DOWNLOAD = DownloadRecord(
    id="x", envelope="a.torrent.encrypted", added=6, step=DownloadStep.DOWNLOADING, signer=b"s" * 32,
    share="ab" * 16, generation=2, contacts=("127.0.0.1:5",),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tuishare.db"


def test_records_come_back_as_they_went_in(path: Path) -> None:
    recipient = RecipientRecord(SHARE.id, "bob", b"h" * 32)
    first = Database(path)
    first.save(SHARE, recipient, DOWNLOAD)
    first.close()
    again = Database(path)
    assert again.shares() == [SHARE]
    assert again.recipients() == [recipient]
    assert again.downloads() == [DOWNLOAD]
    assert isinstance(again.shares()[0].step, ShareStep)
    again.close()


def test_saving_again_replaces(path: Path) -> None:
    database = Database(path)
    database.save(SHARE)
    database.save(replace(SHARE, problem="changed"))
    assert [share.problem for share in database.shares()] == ["changed"]
    database.close()


def test_several_records_are_saved_together_or_not_at_all(path: Path) -> None:
    database = Database(path)
    broken = replace(DOWNLOAD, name=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        database.save(SHARE, broken)
    assert database.shares() == []
    database.close()


def test_the_newest_share_of_an_info_hash_is_found(path: Path) -> None:
    database = Database(path)
    newer = replace(SHARE, id="ef" * 16)
    database.save(SHARE, newer)
    assert database.share_by_info_hash(SHARE.info_hash) == newer
    assert database.share_by_info_hash("00" * 32) is None
    database.close()


def test_a_generation_is_admitted_once_even_after_the_download_was_removed(path: Path) -> None:
    database = Database(path)
    database.admit(DOWNLOAD)
    database.record_rejection(DOWNLOAD)
    for generation in (1, 2):
        with pytest.raises(Refused, match="received before"):
            database.admit(replace(DOWNLOAD, generation=generation))
    assert database.downloads() == []
    database.admit(replace(DOWNLOAD, generation=3))
    database.admit(replace(DOWNLOAD, id="y", signer=b"t" * 32))
    database.close()


def test_a_torrent_stays_beside_its_download_until_that_goes(path: Path) -> None:
    database = Database(path)
    assert database.torrent(DOWNLOAD.id) == b""
    database.hold(DOWNLOAD, b"first")
    database.admit(DOWNLOAD)  # approved: the one that is stored
    database.save(replace(DOWNLOAD, step=DownloadStep.COMPLETE))
    assert database.torrent(DOWNLOAD.id) == b"first"
    database.admit(replace(DOWNLOAD, generation=DOWNLOAD.generation + 1), b"second")
    assert database.torrent(DOWNLOAD.id) == b"second"
    with pytest.raises(Refused):
        database.hold(DOWNLOAD, b"an old one")
    database.close()
    database = Database(path)
    assert database.torrent(DOWNLOAD.id) == b"second"
    database.record_rejection(DOWNLOAD)
    assert database.torrent(DOWNLOAD.id) == b""
    database.close()


def test_a_large_torrent_leaves_no_large_log(path: Path) -> None:
    database = Database(path)
    database.hold(DOWNLOAD, b"x" * 20_000_000)
    database.save(DOWNLOAD)
    assert path.with_name(f"{path.name}-wal").stat().st_size < 5_000_000
    database.close()


def test_a_torrent_of_a_share_of_our_own_is_known(path: Path) -> None:
    database = Database(path)
    database.save(SHARE, replace(SHARE, id="ef" * 16, step=ShareStep.MANUAL, info_hash="ab" * 32))
    assert database.own_share(SHARE.info_hash) == SHARE.name
    assert database.own_share("ab" * 32) == ""  # the agent leaves those alone
    database.close()


def test_forgetting_a_share_takes_its_tickets_along(path: Path) -> None:
    database = Database(path)
    database.save(SHARE, RecipientRecord(SHARE.id, "bob", b"h" * 32))
    database.delete_share(SHARE.id)
    assert database.shares() == []
    assert database.recipients() == []
    database.close()


def test_the_file_is_private_and_durable(path: Path) -> None:
    database = Database(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for wal in path.parent.glob("tuishare.db-*"):
        assert stat.S_IMODE(wal.stat().st_mode) == 0o600
    (mode,) = database._connection.execute("PRAGMA synchronous").fetchone()
    assert mode == 2
    database.close()


def test_a_damaged_file_is_said(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(BadConfiguration, match="damaged"):
        Database(path)


def test_a_file_from_a_newer_version_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BadConfiguration, match="newer"):
        Database(path)


async def test_the_event_loop_side_runs_work_on_one_thread(path: Path) -> None:
    store = Store(path)
    await store.open()
    await store.run(lambda database: database.save(SHARE))
    await store.run(lambda database: database.save_resume({InfoHash("aa"): b"data"}))
    assert await store.run(lambda database: database.resume_data("aa")) == b"data"
    assert await store.run(lambda database: database.resume_data("bb")) is None
    await store.close()
    with pytest.raises(SystemFailed):
        await store.run(lambda database: database.shares())


def test_what_is_admitted_begins_with_nothing(path: Path) -> None:
    """Resume data of an earlier download of the same torrent tell of files that are not in its staging folder."""
    database = Database(path)
    database.save_resume({InfoHash("aa"): b"old", InfoHash("bb"): b"other"})
    database.admit(replace(DOWNLOAD, info_hash="aa"))
    assert (database.resume_data("aa"), database.resume_data("bb")) == (None, b"other")
    database.close()


def test_opening_it_again_writes_nothing(path: Path) -> None:
    """So an agent can begin on a disk that has just filled up."""
    Database(path).close()
    before = path.read_bytes()
    again = Database(path)
    assert path.with_name("tuishare.db-wal").stat().st_size == 0
    again.close()
    assert path.read_bytes() == before


def test_a_disk_that_fails_while_all_is_read_is_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Database, now: int) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    database = Database(path)
    monkeypatch.setattr(Database, "_set_aside", fail)
    with pytest.raises(DiskRefused):
        database.check(1)
    database.close()
