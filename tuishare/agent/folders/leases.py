"""Leases: whether a program has a file open for writing, which size and times do not show.

Owns the question to the kernel: a read lease (fcntl(2), F_SETLEASE) is refused while a descriptor or a shared mapping
can write to the file; while the lease is held, no program gets one. Where a file system has no leases, the open files
of the same user's processes are searched instead. Must not decide what follows. Blocking: call it on a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
from collections.abc import Collection, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Final

_SETSIG: Final = 10
"""F_SETSIG, which the `fcntl` module does not name."""
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_PROC: Final = Path("/proc")


class Hold(Enum):
    """The result of requesting a lease."""

    HELD = auto()
    """No program can write to the file until the lease is released."""
    WRITTEN = auto()
    """A program can write to it now."""
    UNKNOWN = auto()
    """The file system has no leases, or the file cannot be opened."""


@contextlib.contextmanager
def read_lease(path: Path) -> Iterator[Hold]:
    """Try to prevent writes to a regular file for one block; a program that opens it for writing waits."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        yield Hold.UNKNOWN
        return
    try:
        yield _ask(descriptor)
    finally:
        os.close(descriptor)  # releases the lease as well


def _ask(descriptor: int) -> Hold:
    try:
        # A process whose lease is in the way gets SIGIO, which would end the agent; SIGURG is ignored.
        fcntl.fcntl(descriptor, _SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return Hold.WRITTEN if error.errno in {errno.EAGAIN, errno.EBUSY} else Hold.UNKNOWN
    return Hold.HELD


def is_written(paths: Collection[Path]) -> bool:
    """Return whether a program can write to any of these regular files now."""
    unknown: list[Path] = []
    for path in paths:
        with read_lease(path) as hold:
            if hold is Hold.WRITTEN:
                return True
        if hold is Hold.UNKNOWN:
            unknown.append(path)
    return bool(unknown) and _is_open_in_a_process(unknown)


def _is_open_in_a_process(paths: Collection[Path]) -> bool:
    """Return whether a process that we may inspect has one of these files open for writing; mappings are not found."""
    files = set()
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.lstat()
            files.add((status.st_dev, status.st_ino))
    return any(_has_open_for_writing(process, files) for process in _PROC.glob("[0-9]*"))


def _has_open_for_writing(process: Path, files: Collection[tuple[int, int]]) -> bool:
    """Return whether one process has one of the files (device, inode) open for writing; False if unknown."""
    with contextlib.suppress(OSError):
        for name in os.listdir(process / "fd"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                status = (process / "fd" / name).stat()
                if (status.st_dev, status.st_ino) in files and _is_for_writing(process / "fdinfo" / name):
                    return True
    return False


def _is_for_writing(description: Path) -> bool:
    flags = int(description.read_text().partition("flags:")[2].split()[0], 8)
    return flags & os.O_ACCMODE != os.O_RDONLY
