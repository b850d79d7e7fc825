"""One agent per home."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tuishare.core.home_lock import HomeLock, RunningAgent, find_agent
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


def test_the_holder_says_where_it_answers(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path / "lock")
    assert find_agent(tmp_path / "lock") is None
    lock.acquire()
    assert find_agent(tmp_path / "lock") is None
    for path in (Path("/run/a/tuishare.sock"), Path("/b"), Path("/run/long/tuishare.sock")):
        lock.name_socket(path)
        assert find_agent(tmp_path / "lock") == RunningAgent(os.getpid(), path)
    lock.name_socket(None)
    assert find_agent(tmp_path / "lock") is None
    lock.name_socket(Path("/b"))
    lock.release()
    assert find_agent(tmp_path / "lock") is None, "what a killed agent has left is not believed"
    lock.acquire()
    assert find_agent(tmp_path / "lock") is None
    lock.release()


def test_a_lock_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path / "lock")
    lock.acquire()
    lock.name_socket(Path("/b"))
    (tmp_path / "lock").unlink()
    lock.name_socket(Path("/b"))
    assert find_agent(tmp_path / "lock") == RunningAgent(os.getpid(), Path("/b"))
    with pytest.raises(SystemFailed, match="Another agent"):
        HomeLock(tmp_path / "lock").acquire()
    lock.release()


@pytest.mark.parametrize("content", [b"", b"x\n/a\n", b"7\n", b"7\nrelative\n", b"\xff\n\xff\n"])
def test_what_is_no_note(tmp_path: Path, content: bytes) -> None:
    lock = HomeLock(tmp_path / "lock")
    lock.acquire()
    (tmp_path / "lock").write_bytes(content)
    assert find_agent(tmp_path / "lock") is None
    lock.release()
