from __future__ import annotations

import os
from pathlib import Path
from threading import Event

import pytest

from tuishare.errors import BadInput, NotFound, SystemFailed
from tuishare.tui.path_size import PathSize, measure


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(7))
    assert measure(tmp_path / "a", Event()) == PathSize(1, 7)


def test_a_folder_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a").write_bytes(bytes(7))
    (tmp_path / "b").write_bytes(bytes(3))
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "b")
    os.mkfifo(tmp_path / "pipe")
    assert measure(tmp_path, Event()) == PathSize(2, 10)


def test_it_ends_when_there_is_too_much_or_nobody_waits(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"x")
    assert measure(tmp_path, Event(), most=3) == PathSize(3, 3, whole=False)
    stopped = Event()
    stopped.set()
    assert measure(tmp_path, stopped) == PathSize(0, 0, whole=False)


def test_what_cannot_be_shared(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput):
        measure(tmp_path / "link", Event())
    for missing in (tmp_path / "none", tmp_path / "x\0y"):
        with pytest.raises(NotFound):
            measure(missing, Event())
    with pytest.raises(SystemFailed):
        measure(tmp_path / ("x" * 300), Event())
