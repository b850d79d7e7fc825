"""The lock that allows one agent per home.

Owns the lock file. The kernel releases the lock with the process, so a crash leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tuishare.errors import SystemFailed, from_os_error


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
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise from_os_error(error, f"open {self._path}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise HomeInUse(
                "Another agent of this home is running",
                hint="`tuishare status` shows it; `tuishare stop` stops it.",
            ) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
