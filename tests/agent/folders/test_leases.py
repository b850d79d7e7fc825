"""Whether a program can write to a file is asked of the kernel."""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path

import pytest

from tests.agent.homes import fill
from tuishare.agent.folders import leases
from tuishare.agent.folders.leases import Hold, is_written, read_lease


@pytest.fixture(params=["lease", "descriptors"])
def path(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file on a file system with leases, or on one without."""
    if request.param == "descriptors":
        monkeypatch.setattr(leases, "_ask", lambda _descriptor: Hold.UNKNOWN)
    return fill(tmp_path / "x", 10_000)


def test_a_file_that_is_read_is_not_written(path: Path) -> None:
    with path.open("rb"):
        assert not is_written([path, path.with_name("missing")])


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_a_file_that_is_open_for_writing_is_written(path: Path, mode: str) -> None:
    with path.open(mode):
        assert is_written([path.with_name("missing"), path])
    assert not is_written([path])


def test_a_mapping_can_write_after_its_descriptor_is_closed(tmp_path: Path) -> None:
    path = fill(tmp_path / "x", 10_000)
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    with mapped:
        assert is_written([path])
    assert not is_written([path])


def test_who_wants_to_write_waits_and_we_go_on(tmp_path: Path) -> None:
    path = fill(tmp_path / "x", 10_000)
    done = threading.Event()

    def write() -> None:
        path.write_bytes(b"mine")
        done.set()

    with read_lease(path) as hold:
        assert hold is Hold.HELD
        writer = threading.Thread(target=write)
        writer.start()
        assert not done.wait(0.2)
    writer.join(10)
    assert path.read_bytes() == b"mine"


def test_what_cannot_be_opened_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(fill(tmp_path / "x"))
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "link", "pipe"):
        with read_lease(tmp_path / name) as hold:
            assert hold is Hold.UNKNOWN
