"""A renamed torrent is the one that hashing under the new name would have made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.errors import BadInput
from tuishare.torrents import Version, make_torrent, parse_torrent, walk
from tuishare.torrents.metainfo import rename_torrent


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("folder", [False, True])
def test_renaming_equals_hashing_again(tmp_path: Path, version: Version, *, folder: bool) -> None:
    old, new = tmp_path / "old name", tmp_path / "neu ü"
    if folder:
        (old / "sub").mkdir(parents=True)
        (old / "sub" / "a").write_bytes(b"a" * 300_000)
        (old / "b").write_bytes(b"b")
    else:
        old.write_bytes(b"x" * 600_000)
    torrent = make_torrent(walk(old), version=version, created=5)
    old.rename(new)
    renamed = rename_torrent(torrent, "neu ü")
    assert renamed == make_torrent(walk(new), version=version, created=5)
    assert parse_torrent(renamed).name == "neu ü"


@pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 300, "a\nb"])
def test_a_name_that_others_would_refuse_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(BadInput):
        rename_torrent(make_torrent(walk(tmp_path / "f"), version=2), name)


def test_what_is_no_torrent_is_refused() -> None:
    with pytest.raises(BadInput):
        rename_torrent(b"de", "x")
