"""Unchanged files are found by content, wherever they stand in the new generation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.agent.downloads.reuse import reuse_unchanged_files
from tuishare.torrents import Torrent, Version, make_torrent, parse_torrent, walk


def describe(payload: Path, version: Version = 2) -> Torrent:
    return parse_torrent(make_torrent(walk(payload), version=version))


def fill(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    made = tmp_path / "staging"
    made.mkdir()
    return made


def test_only_unchanged_files_are_taken_over_also_under_another_name(tmp_path: Path, staging: Path) -> None:
    old = fill(tmp_path / "old" / "p", same=b"s" * 50_000, changed=b"1" * 10, moved=b"m" * 70_000, gone=b"g")
    new = fill(
        tmp_path / "new" / "p", same=b"s" * 50_000, changed=b"2" * 10, renamed=b"m" * 70_000, empty=b""
    )
    assert reuse_unchanged_files(describe(old), old, describe(new), staging) == 120_000
    assert sorted(path.name for path in (staging / "p").iterdir()) == ["renamed", "same"]
    assert (staging / "p" / "renamed").read_bytes() == b"m" * 70_000
    (staging / "p" / "same").write_bytes(b"the engine writes here")
    assert (old / "same").read_bytes() == b"s" * 50_000


def test_a_single_file_under_a_new_name_is_taken_over(tmp_path: Path, staging: Path) -> None:
    old, new = tmp_path / "a", tmp_path / "b"
    old.write_bytes(b"x" * 40_000)
    new.write_bytes(b"x" * 40_000)
    assert reuse_unchanged_files(describe(old), old, describe(new), staging) == 40_000
    assert (staging / "b").read_bytes() == b"x" * 40_000


def test_what_is_there_already_is_left_alone(tmp_path: Path, staging: Path) -> None:
    old = tmp_path / "a"
    old.write_bytes(b"x" * 40_000)
    (staging / "a").write_bytes(b"half")
    assert reuse_unchanged_files(describe(old), old, describe(old), staging) == 0
    assert (staging / "a").read_bytes() == b"half"


def test_a_payload_that_became_a_link_is_not_followed(tmp_path: Path, staging: Path) -> None:
    old, secret = tmp_path / "a", tmp_path / "secret"
    old.write_bytes(b"x" * 40_000)
    torrent = describe(old)
    secret.write_bytes(b"x" * 40_000)
    old.unlink()
    old.symlink_to(secret)
    assert reuse_unchanged_files(torrent, old, torrent, staging) == 0


def test_v1_says_nothing_about_single_files(tmp_path: Path, staging: Path) -> None:
    old = fill(tmp_path / "p", a=b"x" * 40_000, b=b"y")
    torrent = describe(old, version=1)
    assert reuse_unchanged_files(torrent, old, torrent, staging) == 0
