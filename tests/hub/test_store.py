"""The store of a hub: whatever ends the process, nothing is lost and nothing is doubled."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.crash_points import BOX, NEW, OLD, digest, prepare, put
from tuishare.errors import BadConfiguration
from tuishare.hub.store import HubStore

LINES = 100
"""So many lines of the store run at least; fewer would mean that the trace misses some."""


@pytest.mark.crash
def test_killed_at_every_line_it_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Threat T16."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hub.crash_points", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > LINES


def test_a_disk_that_refuses_a_put_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path)
    store = HubStore(tmp_path)

    def refuse(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tuishare.hub.store.fsync_folder", refuse)
    with pytest.raises(OSError, match="No space"):
        put(store, NEW)
    monkeypatch.undo()
    assert [parcel.digest for parcel in store.parcels()] == [digest(OLD)]
    assert not store.content_path(BOX, digest(NEW)).exists()
    assert put(store, NEW)
    store.close()


def test_files_without_a_row_and_rows_without_a_file_are_removed(tmp_path: Path) -> None:
    prepare(tmp_path)
    store = HubStore(tmp_path)
    put(store, NEW)
    store.content_path(BOX, digest(OLD)).unlink()
    store.content_path(BOX, b"x" * 32).write_bytes(b"left")
    store.close()
    store = HubStore(tmp_path)
    assert [parcel.digest for parcel in store.parcels()] == [digest(NEW)]
    assert not store.content_path(BOX, b"x" * 32).exists()
    store.close()


def test_deleted_parcels_are_remembered_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuishare.hub.store._REMEMBERED", 2)
    prepare(tmp_path)
    store = HubStore(tmp_path)
    contents = [bytes([number]) * 100 for number in range(4)]
    for content in contents:
        assert put(store, content)
        store.delete(BOX, digest(content))
    assert [store.was_put(BOX, digest(content)) for content in contents] == [False, False, True, True]
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    store = HubStore(tmp_path)
    store._database.execute("PRAGMA user_version = 9")
    store.close()
    with pytest.raises(BadConfiguration, match="newer tuishare"):
        HubStore(tmp_path)
    (tmp_path / "hub.db").write_bytes(b"no database" * 1000)
    for other in ("hub.db-wal", "hub.db-shm"):
        (tmp_path / other).unlink(missing_ok=True)
    with pytest.raises(BadConfiguration, match="damaged"):
        HubStore(tmp_path)


def test_a_database_of_mailboxes_alone_learns_of_ports(tmp_path: Path) -> None:
    prepare(tmp_path)
    with contextlib.closing(sqlite3.connect(HubStore(tmp_path).path)) as database:
        database.executescript("DROP TABLE lent; PRAGMA user_version = 1;")
    store = HubStore(tmp_path)
    assert [parcel.digest for parcel in store.parcels()] == [digest(OLD)]
    assert [store.lent_number(mailbox, 2) for mailbox in (b"a", b"b", b"c", b"a")] == [0, 1, None, 0]
    assert store.lent_number(b"b", 1) is None  # the range is smaller now
    store.close()
