"""One agent per home."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tuishare.core.home_lock import HomeLock
from tuishare.errors import NotFound, SystemFailed


def test_the_second_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path / "lock"), HomeLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(SystemFailed, match="Another agent"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_a_killed_holder_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    code = f"""
import os, signal, pathlib
from tuishare.core.home_lock import HomeLock
HomeLock(pathlib.Path({str(tmp_path / "lock")!r})).acquire()
print("held", flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = HomeLock(tmp_path / "lock")
        with pytest.raises(SystemFailed):
            lock.acquire()
        holder.kill()
        holder.wait()
        lock.acquire()
        lock.release()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        HomeLock(tmp_path / "none" / "lock").acquire()
