"""What is synced, and in which order, on real files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tuishare.fs.fsync import fsync_folder, fsync_tree


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were synced, first ones first."""
    paths: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(os, "fsync", note)
    return paths


def fill(folder: Path, count: int) -> list[str]:
    folder.mkdir()
    files = [folder / str(number) for number in range(count)]
    for file in files:
        file.write_bytes(b"content")
    return [str(file) for file in files]


def test_every_file_is_synced_once_and_every_folder_after_what_it_holds(
    tmp_path: Path, synced: list[str]
) -> None:
    top, inner, deep = tmp_path / "top", tmp_path / "top" / "inner", tmp_path / "top" / "inner" / "deep"
    files = [*fill(top, 100), *fill(inner, 3), *fill(deep, 40)]
    fsync_tree(top)
    assert sorted(synced[:-3]) == sorted(files)
    assert synced[-3:] == [str(deep), str(inner), str(top)]


def test_a_file_is_synced(tmp_path: Path, synced: list[str]) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    fsync_tree(file)
    assert synced == [str(file)]


def test_a_folder_is_synced_without_what_it_holds(tmp_path: Path, synced: list[str]) -> None:
    fill(tmp_path / "folder", 2)
    fsync_folder(tmp_path / "folder")
    assert synced == [str(tmp_path / "folder")]


@pytest.mark.parametrize("inside", [False, True], ids=["itself", "below"])
def test_a_link_is_not_followed(tmp_path: Path, synced: list[str], inside: bool) -> None:
    fill(tmp_path / "elsewhere", 1)
    folder = tmp_path / "folder"
    folder.mkdir()
    link = folder / "link"
    link.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        fsync_tree(folder if inside else link)
    assert synced == []


def test_one_file_that_cannot_be_synced_fails_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "folder", 200)
    fsync = os.fsync

    def refuse_one(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("/77"):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_one)
    with pytest.raises(OSError, match="Input/output error"):
        fsync_tree(tmp_path / "folder")
