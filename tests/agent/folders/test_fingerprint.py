"""By what a payload is known again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.agent.homes import edit_unseen
from tuishare.agent.folders.fingerprint import (
    find_left_out,
    find_skipped,
    lasting_part,
    payload_fingerprint,
    tree_fingerprint,
    walk_payload,
)
from tuishare.agent.folders.ignore_rules import IGNORE_FILE
from tuishare.core.left_out import LeftOut, LeftOutReason


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop" / "album"
    made.mkdir(parents=True)
    (made / "a").write_bytes(b"first")
    (made / "b").write_bytes(b"second")
    return made


def swap(folder: Path) -> None:
    """Exchange two files of one size, keeping their times."""
    (folder / "c").write_bytes(b"fresh")
    status = (folder / "a").stat()
    os.utime(folder / "c", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "c").replace(folder / "a")


CHANGES: dict[str, Callable[[Path], object]] = {
    "grown": lambda folder: (folder / "a").write_bytes(b"first and more"),
    "added": lambda folder: (folder / "c").write_bytes(b"third"),
    "removed": lambda folder: (folder / "b").unlink(),
    "renamed": lambda folder: (folder / "b").rename(folder / "c"),
    "touched": lambda folder: os.utime(folder / "a", ns=(1, 1)),
    "exchanged": swap,
    "edited, mtime put back": lambda folder: edit_unseen(folder / "a"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_the_fingerprint(folder: Path, change: str) -> None:
    before = payload_fingerprint(folder)
    assert before == payload_fingerprint(folder) != ""
    CHANGES[change](folder)
    assert payload_fingerprint(folder) not in {before, ""}


def test_another_device_number_changes_nothing(folder: Path) -> None:
    tree = walk_payload(folder)
    files = tuple(msgspec.structs.replace(file, device=file.device + 1) for file in tree.files)
    assert tree_fingerprint(msgspec.structs.replace(tree, files=files)) == tree_fingerprint(tree)


def test_a_renamed_file_is_known_by_all_but_its_ctime(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"first")
    before = payload_fingerprint(tmp_path / "x")
    after = payload_fingerprint((tmp_path / "x").rename(tmp_path / "y"))
    assert (after == before, lasting_part(after) == lasting_part(before)) == (False, True)
    os.utime(tmp_path / "y", (1, 1))
    assert lasting_part(payload_fingerprint(tmp_path / "y")) not in {lasting_part(before), ""}
    assert lasting_part("ab" * 32) == ""  # of a version before, which tells nothing


def test_a_file_is_not_a_folder_that_holds_it(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "x").write_bytes(b"x")
    assert payload_fingerprint(tmp_path / "x") != payload_fingerprint(tmp_path / "x" / "x")


@pytest.mark.parametrize("kind", ["missing", "link", "pipe", "empty"])
def test_what_cannot_be_shared_has_no_fingerprint(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "p"
    if kind == "link":
        (tmp_path / "t").write_bytes(b"x")
        path.symlink_to(tmp_path / "t")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "empty":
        path.mkdir()
    assert payload_fingerprint(path) == ""


def test_what_is_left_out_is_known_by_reason_with_the_first_names(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_text("secret*\n!kept.tmp\n")
    folder = tmp_path / "p"
    for name in ("bin", "empty", "deep/er"):
        (folder / name).mkdir(parents=True)
    for name in (
        "a",
        "secret plan",
        "kept.tmp",
        *(f"{number}.tmp" for number in range(7)),
        "deep/er/b\u202e~",
    ):
        (folder / name).write_bytes(b"x")
    (folder / "link").symlink_to("a")
    os.mkfifo(folder / "pipe")
    for name, start in (("script", b"#!/bin/sh"), ("program", b"\x7fELF"), ("film.mov", b"mov")):
        (folder / "bin" / name).write_bytes(start)
        (folder / "bin" / name).chmod(0o755)
    (folder / "bin" / "text").write_bytes(b"#!/bin/sh")
    tree = walk_payload(folder, str(tmp_path))
    left_out = {each.reason: (each.number, each.names) for each in find_left_out(tree)}
    number, names = left_out.pop(LeftOutReason.TEMPORARY)
    assert number == 8
    assert names == ("0.tmp", "1.tmp", "2.tmp", "3.tmp", "4.tmp")
    assert left_out == {
        LeftOutReason.LINK: (1, ("link",)),
        LeftOutReason.SPECIAL: (1, ("pipe",)),
        LeftOutReason.EMPTY_FOLDER: (1, ("empty",)),
        LeftOutReason.PATTERN: (1, ("secret plan",)),
        LeftOutReason.EXECUTABLE: (2, ("bin/program", "bin/script")),
    }
    assert find_skipped(tree) == tuple(
        each for each in find_left_out(tree) if each.reason != LeftOutReason.EXECUTABLE
    )
    assert find_left_out(walk_payload(folder / "a")) == ()


def test_names_that_are_left_out_are_safe_and_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    os.symlink("a", os.fsencode(tmp_path / "l") + b"\xff\x1b")
    assert find_left_out(walk_payload(tmp_path)) == (LeftOut(LeftOutReason.LINK, 1, ("l\ufffd\ufffd",)),)


def test_below_a_drop_folder_its_patterns_hold(folder: Path) -> None:
    drop = folder.parent
    (drop / IGNORE_FILE).write_text("b\n")
    assert [entry.parts for entry in walk_payload(folder, str(drop)).files] == [("a",)]
    assert [entry.parts for entry in walk_payload(folder).files] == [("a",), ("b",)]
    assert payload_fingerprint(folder, str(drop)) != payload_fingerprint(folder)
