"""The lock that allows one agent per home, and where that agent answers.

Owns the lock file. The kernel releases the lock with the process, so a crash leaves nothing to clean up. The file names
process and socket of the agent: the path of the socket depends on the environment (``XDG_RUNTIME_DIR``), which may be
another one where a command is called, as by cron, su or ssh. The lock file is the same for all.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.errors import SystemFailed, from_os_error

_LOCKS: Final = Path("/proc/locks")
_LIMIT: Final = 8192


@dataclass(frozen=True, slots=True)
class RunningAgent:
    """The agent that has the home.

    Attributes:
        pid: its process.
        socket: where it answers.
    """

    pid: int
    socket: Path


def find_agent(lock_file: Path) -> RunningAgent | None:
    """Return the agent that holds a lock file; None if there is none, or it does not answer yet."""
    try:
        with lock_file.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            pid, path, *_ = file.read(_LIMIT).split(b"\n")
        agent = RunningAgent(int(pid), Path(os.fsdecode(path)))
    except (OSError, ValueError):
        return None
    return agent if agent.socket.is_absolute() and _is_locked(inode) else None


def _is_locked(inode: int) -> bool:
    """Return whether a process holds a lock on that file; locking it to find out would hinder an agent that starts."""
    try:
        locks = _LOCKS.read_text().splitlines()
    except OSError:
        return True  # not readable here: the agent's socket will tell
    return any(" FLOCK " in line and f":{inode} " in line for line in locks)


class HomeInUse(SystemFailed):
    """Another process has the home: its agent, or a command that changes its files."""


class HomeLock:
    """The lock of one home, held from `acquire` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            HomeInUse: another process has it.
            SystemFailed: the lock file cannot be opened.
        """
        self._descriptor = _lock(self._path)

    def name_socket(self, socket: Path | None) -> None:
        """Write into the lock file where this process answers; None: nowhere.

        A lock file that was removed meanwhile, as by a program that cleans up /tmp, is made again.

        Raises:
            SystemFailed: the disk refused.
        """
        note = b"" if socket is None else b"%d\n%b\n" % (os.getpid(), os.fsencode(socket))
        try:
            if self._descriptor is None:
                return
            if not self._is_in_place():
                former, self._descriptor = self._descriptor, _lock(self._path)
                os.close(former)
            if os.pread(self._descriptor, _LIMIT, 0) != note:
                os.pwrite(self._descriptor, note, 0)
                os.ftruncate(self._descriptor, len(note))  # afterwards: the note is never missing meanwhile
        except OSError as error:
            raise from_os_error(error, f"write {self._path}") from error

    def _is_in_place(self) -> bool:
        assert self._descriptor is not None
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(path: Path) -> int:
    """Return the descriptor of the locked and empty lock file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os_error(error, f"open {path}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise HomeInUse(
            "Another agent of this home is running",
            hint="`tuishare status` shows it; `tuishare stop` stops it.",
        ) from error
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)  # the agent that it names has ended
    return descriptor
