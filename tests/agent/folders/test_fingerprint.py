"""By what a payload is known again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.agent.homes import edit_unseen
from tuishare.agent.folders.fingerprint import (
    lasting_part,
    payload_fingerprint,
    tree_fingerprint,
    walk_payload,
)
from tuishare.agent.folders.ignore_rules import IGNORE_FILE


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


def test_below_a_drop_folder_its_patterns_hold(folder: Path) -> None:
    drop = folder.parent
    (drop / IGNORE_FILE).write_text("b\n")
    assert [entry.parts for entry in walk_payload(folder, str(drop)).files] == [("a",)]
    assert [entry.parts for entry in walk_payload(folder).files] == [("a",), ("b",)]
    assert payload_fingerprint(folder, str(drop)) != payload_fingerprint(folder)
