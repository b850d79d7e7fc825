"""What is left out of a drop folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.agent.folders.ignore_rules import DEFAULTS, IGNORE_FILE, read_ignore_rules
from tuishare.errors import BadConfiguration, TuishareError


@pytest.mark.parametrize("name", [".hidden", "draft~", "a.tmp", "Thumbs.db", "film.mov.filepart"])
def test_temporary_and_hidden_names_are_left_out(tmp_path: Path, name: str) -> None:
    assert read_ignore_rules(tmp_path)((name,), is_folder=False)
    assert DEFAULTS((name,), is_folder=False)


@pytest.mark.parametrize("name", ["film.mkv", "part", "a.tmp.txt", "tmp"])
def test_everything_else_is_not(tmp_path: Path, name: str) -> None:
    assert not read_ignore_rules(tmp_path)((name,), is_folder=False)


def test_hidden_files_inside_a_folder_belong_to_it_and_temporary_ones_do_not(tmp_path: Path) -> None:
    below = read_ignore_rules(tmp_path).below("project")
    assert not below((".gitignore",), is_folder=False)
    assert below(("build", "a.tmp"), is_folder=False)
    assert below(("build", "@eaDir", "picture.jpg"), is_folder=False)


def test_the_own_list_adds_and_takes_back(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_text("# mine\n*.iso\n!keep.tmp\nbuild/\n/top.txt\n")
    ignoring = read_ignore_rules(tmp_path)
    assert ignoring(("a.iso",), is_folder=False)
    assert not ignoring(("keep.tmp",), is_folder=False)
    assert ignoring(("build",), is_folder=True)
    assert not ignoring(("build",), is_folder=False)
    below = ignoring.below("project")
    assert below(("build",), is_folder=True)
    assert not below(("top.txt",), is_folder=False)


def test_an_edited_list_counts_and_a_removed_one_does_not(tmp_path: Path) -> None:
    assert not read_ignore_rules(tmp_path)(("a.iso",), is_folder=False)
    (tmp_path / IGNORE_FILE).write_text("*.iso\n")
    assert read_ignore_rules(tmp_path)(("a.iso",), is_folder=False)
    (tmp_path / IGNORE_FILE).write_text("*.bin # longer\n")
    assert not read_ignore_rules(tmp_path)(("a.iso",), is_folder=False)
    (tmp_path / IGNORE_FILE).unlink()
    assert not read_ignore_rules(tmp_path)(("a.bin",), is_folder=False)


@pytest.mark.parametrize("line", ["!", "foo\\", "[z-a]"])
def test_a_line_that_is_no_pattern_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / IGNORE_FILE).write_text(f"*.iso\n{line}\n")
    with pytest.raises(BadConfiguration, match="line 2"):
        read_ignore_rules(tmp_path)


def test_a_list_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).mkdir()
    with pytest.raises(TuishareError):
        read_ignore_rules(tmp_path)


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_bytes(b"\xff\xfe\n*.iso\n")
    assert read_ignore_rules(tmp_path)(("a.iso",), is_folder=False)
