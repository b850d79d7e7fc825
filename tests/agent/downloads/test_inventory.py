"""Whatever is done to a delivered payload is seen, without reading it where its times tell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.homes import edit_unseen, fill
from tuishare.agent.downloads.inventory import (
    Condition,
    PayloadFingerprint,
    compare_with_torrent,
    find_untouched,
    fingerprint_delivered,
    inspect,
    take_inventory,
)
from tuishare.torrents import make_torrent, walk


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    """A folder as it is delivered."""
    made = tmp_path / "album"
    (made / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        fill(made / name, 50_000).chmod(0o600)
    return made


@pytest.fixture
def torrent(payload: Path) -> bytes:
    return make_torrent(walk(payload), version=2)


@pytest.fixture
def fingerprint(payload: Path) -> str:
    return fingerprint_delivered(take_inventory(payload))


def swap_for_folder(folder: Path) -> None:
    (folder / "b").unlink()
    (folder / "b").mkdir()


TOUCHED: dict[str, Callable[[Path], object]] = {
    "edited": lambda folder: fill(folder / "a", 50_000),
    "edited, mtime put back": lambda folder: edit_unseen(folder / "a"),
    "appended": lambda folder: (folder / "a").write_bytes((folder / "a").read_bytes() + b"x"),
    "cut": lambda folder: os.truncate(folder / "a", 10),
    "file added": lambda folder: fill(folder / "sub" / "d"),
    "hidden file added": lambda folder: fill(folder / ".notes"),
    "temporary file added": lambda folder: fill(folder / "a.part"),
    "empty folder added": lambda folder: (folder / "empty").mkdir(),
    "link added": lambda folder: (folder / "link").symlink_to("a"),
    "pipe added": lambda folder: os.mkfifo(folder / "pipe"),
    "second name added": lambda folder: os.link(folder / "a", folder / "again"),
    "name that is not UTF-8 added": lambda folder: fill(folder / os.fsdecode(b"\xff")),
    "renamed": lambda folder: (folder / "a").rename(folder / "z"),
    "removed": lambda folder: (folder / "a").unlink(),
    "mode of a file": lambda folder: (folder / "a").chmod(0o400),
    "mode of a folder": lambda folder: (folder / "sub").chmod(0o755),
    "mode of all": lambda folder: folder.chmod(0o711),
    "exchanged for a folder": swap_for_folder,
    "tag": lambda folder: os.setxattr(folder / "a", "user.xdg.tags", b"best"),
}


@pytest.mark.parametrize("change", TOUCHED)
@pytest.mark.parametrize("known", ["fingerprint", "nothing"])
def test_what_was_touched_is_not_untouched(
    payload: Path, torrent: bytes, fingerprint: str, change: str, known: str
) -> None:
    payload.chmod(0o700)
    (payload / "sub").chmod(0o700)
    fingerprint = fingerprint_delivered(take_inventory(payload)) if known == "fingerprint" else "ab" * 32
    assert find_untouched(payload, fingerprint, torrent) is not None
    TOUCHED[change](payload)
    if known == "nothing" and change in {"mode of a folder", "mode of all"}:
        pytest.skip("which mode it had before cannot be known")
    assert find_untouched(payload, fingerprint, torrent) is None


def copy(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)


DOUBTFUL: dict[str, Callable[[Path], object]] = {
    "restored": copy,
    "touched": lambda folder: os.utime(folder / "a", (1, 1)),
    "linked elsewhere": lambda folder: os.link(folder / "a", folder.parent / "a"),
    "written as it was": lambda folder: (folder / "a").write_bytes((folder / "a").read_bytes()),
}


@pytest.mark.parametrize("change", DOUBTFUL)
def test_what_may_be_the_same_is_read_once(
    payload: Path, torrent: bytes, fingerprint: str, change: str
) -> None:
    assert inspect(payload, fingerprint) is Condition.INTACT
    DOUBTFUL[change](payload)
    assert inspect(payload, fingerprint) is Condition.DOUBTFUL
    found = compare_with_torrent(payload, fingerprint, torrent)
    assert found is not None
    assert inspect(payload, str(found)) is Condition.INTACT
    for known in (fingerprint, str(found)):
        assert find_untouched(payload, known, torrent) is not None
    assert find_untouched(payload, fingerprint, b"") is None  # nothing to compare it with


def test_what_was_added_is_kept_in_mind_while_the_rest_is_served(
    payload: Path, torrent: bytes, fingerprint: str
) -> None:
    (payload / ".notes").write_text("mine")
    (payload / "a").chmod(0o400)
    found = compare_with_torrent(payload, fingerprint, torrent)
    assert found is not None
    assert (inspect(payload, str(found)), found.intact) == (Condition.INTACT, True)
    assert find_untouched(payload, str(found), torrent) is None


def test_what_was_found_to_be_changed_is_not_read_again(
    payload: Path, torrent: bytes, fingerprint: str
) -> None:
    edit_unseen(payload / "a")
    found = compare_with_torrent(payload, fingerprint, torrent)
    assert found is not None
    assert not found.intact
    assert inspect(payload, str(found)) is Condition.CHANGED
    assert find_untouched(payload, str(found), torrent) is None


def test_what_is_gone_has_changed_and_what_cannot_be_looked_at_is_in_doubt(
    payload: Path, torrent: bytes, fingerprint: str
) -> None:
    assert inspect(payload / "sub" / "none", fingerprint) is Condition.CHANGED
    assert compare_with_torrent(payload / "none", fingerprint, torrent) is None
    assert find_untouched(payload / "none", fingerprint, torrent) is None


def test_another_device_number_changes_nothing(
    payload: Path, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lstat = Path.lstat

    def remounted(path: Path) -> os.stat_result:
        values = list(lstat(path))
        values[2] += 1
        status = lstat(path)
        return os.stat_result(
            values, {name: getattr(status, name) for name in ("st_mtime_ns", "st_ctime_ns")}
        )

    monkeypatch.setattr(Path, "lstat", remounted)
    assert inspect(payload, fingerprint) is Condition.INTACT


def test_a_part_is_compared_file_by_file(payload: Path, torrent: bytes) -> None:
    (payload / "b").unlink()
    fingerprint = fingerprint_delivered(take_inventory(payload))
    copy(payload)
    assert find_untouched(payload, fingerprint, torrent) is not None
    edit_unseen(payload / "a")
    assert find_untouched(payload, fingerprint, torrent) is None


def test_a_rename_of_a_file_changes_its_ctime_alone(tmp_path: Path) -> None:
    path = fill(tmp_path / "x")
    before = take_inventory(path)
    after = take_inventory(path.rename(tmp_path / "y"))
    assert (after.was(before), after.form == before.form) == (True, False)
    os.utime(tmp_path / "y", (1, 1))
    assert not take_inventory(tmp_path / "y").was(before)


def test_a_fingerprint_reads_back() -> None:
    for intact in (True, False):
        fingerprint = PayloadFingerprint("s", "f", intact)
        assert PayloadFingerprint.parse(str(fingerprint)) == fingerprint
    assert PayloadFingerprint.parse("ab" * 32) is PayloadFingerprint.parse("") is None


def test_folders_may_be_as_deep_as_paths_are_long(tmp_path: Path) -> None:
    folders = [tmp_path]
    for _ in range(1_200):  # more than Python calls functions within each other
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    try:
        assert len(take_inventory(tmp_path).entries) == len(folders)
    finally:
        for folder in reversed(folders[1:]):
            folder.rmdir()
