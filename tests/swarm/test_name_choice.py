from __future__ import annotations

from pathlib import Path

import pytest

from tests.odd_disks import exfat_disk
from tuishare.errors import TuishareError
from tuishare.swarm import choose_names
from tuishare.torrents import AS_IN_TORRENT, LocalNames, Torrent, localize, make_torrent, parse_torrent, walk


def torrent_of(root: Path, *names: str) -> Torrent:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return parse_torrent(make_torrent(walk(root / names[0].split("/")[0]), version=2))


def test_each_file_has_one_place_on_a_disk_with_few_names(tmp_path: Path) -> None:
    torrent = torrent_of(tmp_path, "t?/a:b", "t?/sub/Foo", "t?/sub/foo", "t?/plain")
    with exfat_disk(tmp_path / "stick") as stick:
        names = choose_names(torrent, stick)
    assert names == LocalNames("t_", {"a:b": "a_b", "sub/foo": "sub/foo (2)"})
    local = localize(torrent, names)
    assert local.name == "t_"
    assert [file.parts for file in local.files] == [("a_b",), ("plain",), ("sub", "Foo"), ("sub", "foo (2)")]
    assert [file.root for file in local.files] == [file.root for file in torrent.files]


def test_a_single_file_gets_a_name_of_its_own(tmp_path: Path) -> None:
    torrent = torrent_of(tmp_path, "what?.mov")
    with exfat_disk(tmp_path / "stick") as stick:
        names = choose_names(torrent, stick)
    assert names == LocalNames("what_.mov")
    assert [file.parts for file in localize(torrent, names).files] == [("what_.mov",)]


def test_where_every_name_is_taken_nothing_changes(tmp_path: Path) -> None:
    torrent = torrent_of(tmp_path, "t?/a:b", "t?/A:B")
    assert choose_names(torrent, tmp_path) == AS_IN_TORRENT
    assert localize(torrent, AS_IN_TORRENT) == torrent


def test_a_disk_that_takes_no_file_is_named(tmp_path: Path) -> None:
    torrent = torrent_of(tmp_path, "t?/a:b")
    with pytest.raises(TuishareError, match="make “t\\?” in /proc/self"):
        choose_names(torrent, Path("/proc/self"))
