"""Where a payload grows, and how it lands."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.downloads.generations import Runway
from tuishare.agent.downloads.files import ACCEPTED, INCOMING, DownloadFiles
from tuishare.config.model import FolderSettings
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, NotFound, SystemFailed

ID = "ab" * 16
ENVELOPE = "x.torrent.encrypted"


@pytest.fixture
def folders(tmp_path: Path) -> FolderSettings:
    for name in ("inbox", "downloads"):
        (tmp_path / name).mkdir()
    return FolderSettings(inbox=str(tmp_path / "inbox"), downloads=str(tmp_path / "downloads"))


@pytest.fixture
def files(folders: FolderSettings) -> DownloadFiles:
    return DownloadFiles(folders)


@pytest.fixture
def record(files: DownloadFiles, folders: FolderSettings) -> DownloadRecord:
    """A payload that is complete in its staging folder, with its envelope in the inbox."""
    (folders.inbox_path / ENVELOPE).write_bytes(b"envelope")
    record = DownloadRecord(
        id=ID, envelope=ENVELOPE, added=1, step=DownloadStep.DELIVERING, sender="alice", name="x",
        staging=str(files.staging(ID, 1)), envelope_hash=hashlib.sha256(b"envelope").digest(),
    )  # fmt: skip
    (files.prepare(record) / "x").write_bytes(b"payload")
    return replace(record, path=str(files.choose_target(record)))


def test_a_payload_grows_where_nobody_else_can_look(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings
) -> None:
    staging = Path(record.staging)
    assert staging.parent == folders.downloads_path / INCOMING
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (staging, staging.parent)] == [0o700, 0o700]
    assert files.staging(ID, 2) != staging


@pytest.mark.parametrize("times", [1, 2])
def test_it_lands_under_its_senders_name_and_doing_it_again_is_fine(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings, times: int
) -> None:
    for _ in range(times):
        files.move_payload(record, b"")
    assert (folders.downloads_path / "alice" / "x").read_bytes() == b"payload"
    assert not Path(record.staging).exists()


def test_a_name_that_is_taken_is_never_chosen(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings
) -> None:
    (folders.downloads_path / "alice" / "x").symlink_to("nowhere")
    assert files.choose_target(record).name == "x (2)"


def test_a_name_that_was_taken_meanwhile_is_left_alone(files: DownloadFiles, record: DownloadRecord) -> None:
    Path(record.path).write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        files.move_payload(record, b"")
    assert Path(record.path).read_bytes() == b"somebody's"
    assert (Path(record.staging) / "x").read_bytes() == b"payload"


def test_a_payload_that_is_gone_is_said_and_leaves_no_empty_file(
    files: DownloadFiles, record: DownloadRecord
) -> None:
    files.discard(record)
    with pytest.raises(NotFound):
        files.move_payload(record, b"")
    assert not os.path.lexists(record.path)


def test_a_senders_folder_that_cannot_be_made_is_said(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings
) -> None:
    (folders.downloads_path / "alice").rmdir()
    (folders.downloads_path / "alice").write_bytes(b"")
    with pytest.raises(SystemFailed):
        files.choose_target(record)


@pytest.mark.parametrize("times", [1, 2])
def test_the_envelope_is_put_away(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings, times: int
) -> None:
    for _ in range(times):
        files.archive_envelope(record)
    assert os.listdir(folders.inbox_path) == [ACCEPTED]
    assert (folders.inbox_path / ACCEPTED / ENVELOPE).read_bytes() == b"envelope"


def test_another_envelope_of_that_name_stays_to_be_judged(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings
) -> None:
    (folders.inbox_path / ENVELOPE).write_bytes(b"the next generation")
    files.archive_envelope(record)
    assert (folders.inbox_path / ENVELOPE).read_bytes() == b"the next generation"


def test_an_accepted_envelope_is_never_overwritten(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings
) -> None:
    accepted = folders.inbox_path / ACCEPTED
    accepted.mkdir()
    (accepted / ENVELOPE).write_bytes(b"an earlier one")
    files.archive_envelope(record)
    assert (accepted / ENVELOPE).read_bytes() == b"an earlier one"
    assert len(os.listdir(accepted)) == 2


def test_what_keeps_the_envelope_from_being_put_away_is_only_logged(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings, caplog: pytest.LogCaptureFixture
) -> None:
    (folders.inbox_path / ACCEPTED).write_bytes(b"")
    files.archive_envelope(record)
    assert (folders.inbox_path / ENVELOPE).exists()
    assert ACCEPTED in caplog.text


def test_leftovers_are_swept_and_nothing_else(
    files: DownloadFiles, record: DownloadRecord, folders: FolderSettings
) -> None:
    incoming = folders.downloads_path / INCOMING
    (incoming / f"{'cd' * 16}-3").mkdir()
    (incoming / f"{'cd' * 16}-3" / "half").write_bytes(b"x")
    (incoming / "mine").mkdir()
    files.sweep({record.staging})
    assert sorted(os.listdir(incoming)) == [Path(record.staging).name, "mine"]


def test_without_downloads_there_is_nothing_to_sweep(files: DownloadFiles, folders: FolderSettings) -> None:
    files.sweep(set())
    assert os.listdir(folders.downloads_path) == []


def test_what_a_record_says_is_a_staging_folder_only_where_it_can_be_one(
    files: DownloadFiles, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    record = DownloadRecord("x", "x", 1, DownloadStep.DOWNLOADING, staging=str(precious))
    files.discard(record)
    assert precious.is_dir()
    with pytest.raises(BadInput, match="damaged"):
        files.prepare(record)


@pytest.mark.parametrize("which", ["all", "one"])
def test_nothing_grows_behind_a_link(files: DownloadFiles, tmp_path: Path, which: str) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    staging = files.staging(ID, 1)
    if which == "one":
        staging.parent.mkdir()
    (staging.parent if which == "all" else staging).symlink_to(precious)
    record = DownloadRecord("x", "x", 1, DownloadStep.DOWNLOADING, staging=str(staging))
    with pytest.raises(SystemFailed, match="is a link"):
        files.prepare(record)
    files.sweep(set())
    files.discard(record)
    assert precious.is_dir()


@pytest.mark.parametrize("deep", [False, True])
def test_nothing_is_deleted_behind_a_link_that_a_folder_became(tmp_path: Path, deep: bool) -> None:
    runway = Runway(tmp_path)
    runway.deliver(b"content")
    assert runway.record is not None
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(runway.landed if deep else runway.landed / "sub", elsewhere)
    linked = runway.landed if deep else runway.landed / "sub"
    shutil.rmtree(linked)
    linked.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    runway.files.delete(runway.record, runway.torrent)
    assert sorted(elsewhere.rglob("*")) == before != []
    assert not (runway.place / "x" / "a").exists()
