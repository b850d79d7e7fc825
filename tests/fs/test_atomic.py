"""Publishing on file systems without permissions or links."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.odd_disks import exfat_disk, without_chmod
from tuishare.errors import SystemFailed
from tuishare.fs.atomic import publish


def test_without_chmod_what_is_no_secret_is_written(tmp_path: Path) -> None:
    with without_chmod(tmp_path / "disk") as disk:
        publish(disk / "envelope", b"x", mode=0o666, secret=False)
        assert (disk / "envelope").read_bytes() == b"x"


def test_without_chmod_a_secret_is_written_if_no_other_user_can_read_it(tmp_path: Path) -> None:
    with without_chmod(tmp_path / "disk") as disk:
        publish(disk / "key", b"x")
        assert stat.S_IMODE((disk / "key").stat().st_mode) == 0o600


def test_a_secret_is_not_written_where_others_could_read_it(tmp_path: Path) -> None:
    with exfat_disk(tmp_path / "disk") as disk:
        before = disk.stat()
        assert stat.S_IMODE(before.st_mode) & 0o077, "the disk has one mode for all files, readable by others"
        with pytest.raises(SystemFailed, match="other users could read it"):
            publish(disk / "key", b"x")
        assert list(disk.iterdir()) == []
        publish(disk / "envelope", b"x", secret=False)
        assert (disk / "envelope").read_bytes() == b"x"


def test_without_links_nothing_is_replaced(tmp_path: Path) -> None:
    with exfat_disk(tmp_path / "disk") as disk:
        publish(disk / "a", b"1", replace=False, secret=False)
        with pytest.raises(FileExistsError):
            publish(disk / "a", b"2", replace=False, secret=False)
        assert (disk / "a").read_bytes() == b"1"
        assert [path.name for path in disk.iterdir()] == ["a"]
