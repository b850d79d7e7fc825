"""Files that nobody else may read. The tests may run as root, so modes are looked at, not access."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tuishare.errors import BadConfiguration, NotFound, SystemFailed
from tuishare.fs.private_files import read_private


def write(path: Path, data: bytes = b"secret", mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_file_is_read(tmp_path: Path, mode: int) -> None:
    assert read_private(write(tmp_path / "f", mode=mode), 6) == "secret"


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777])
def test_a_file_open_to_others_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "a file", mode=mode)
    with pytest.raises(BadConfiguration, match=f"accessible to other users .mode {mode:04o}") as caught:
        read_private(path, 6)
    assert caught.value.hint == f"Run: chmod 600 '{path}'"
    assert path.stat().st_mode & 0o777 == mode  # told, not repaired


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "f")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(BadConfiguration, match="belongs to another user"):
        read_private(path, 6)


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(write(tmp_path / "f"))
    with pytest.raises(BadConfiguration, match="is a symlink"):
        read_private(link, 6)


@pytest.mark.timeout(10)
def test_a_fifo_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(BadConfiguration, match="not a regular file"):
        read_private(tmp_path / "fifo", 6)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    with pytest.raises(BadConfiguration, match="not a regular file"):
        read_private(tmp_path / "folder", 6)


def test_a_device_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="not a regular file"):
        read_private(Path("/dev/null"), 6)


def test_the_limit_holds(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="larger than 5 bytes"):
        read_private(write(tmp_path / "f"), 5)


def test_other_text_than_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="not UTF-8"):
        read_private(write(tmp_path / "f", b"\xff\xfe"), 6)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read_private(tmp_path / "none", 6)


def test_a_file_in_the_place_of_a_folder_is_a_system_problem(tmp_path: Path) -> None:
    with pytest.raises(SystemFailed, match="not a directory"):
        read_private(write(tmp_path / "f") / "g", 6)
