"""What a payload takes of a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.torrents import BLOCK, DiskCost, cost_of, make_torrent, parse_torrent, walk
from tuishare.torrents.disk_cost import whole_blocks


@pytest.mark.parametrize(("size", "blocks"), [(0, 0), (1, 1), (BLOCK, 1), (BLOCK + 1, 2)])
def test_files_take_whole_blocks(size: int, blocks: int) -> None:
    assert whole_blocks(size) == blocks * BLOCK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five folders, its own included, and four files with five blocks of content."""
    for name, size in {"a/b/x": 1, "a/b/y": BLOCK + 1, "a/c/d/z": 0, "w": 2 * BLOCK}.items():
        path = tmp_path / "t" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return tmp_path / "t"


@pytest.mark.parametrize("version", [1, 2])
def test_each_file_and_each_folder_takes_one_more(folder: Path, version: int) -> None:
    torrent = parse_torrent(make_torrent(walk(folder), version=1 if version == 1 else 2))
    assert cost_of(torrent) == DiskCost((5 + 9) * BLOCK, 9)


def test_what_is_not_wanted_takes_nothing_nor_do_its_folders(folder: Path) -> None:
    torrent = parse_torrent(make_torrent(walk(folder), version=2))
    assert [file.parts for file in torrent.files][2:] == [("a", "c", "d", "z"), ("w",)]
    assert cost_of(torrent, {0, 1, 2}) == DiskCost((2 + 2) * BLOCK, 2)


def test_a_lone_file_has_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    assert cost_of(parse_torrent(make_torrent(walk(tmp_path / "x"), version=2))) == DiskCost(2 * BLOCK, 1)
