"""Whether a program has a file open for writing, which its size and times do not tell.

Owns asking the kernel: a read lease (fcntl(2), F_SETLEASE) is refused while a descriptor or a shared mapping can write
to the file, and while it is held nobody gets one. Where a file system knows no leases, the descriptors of our own
user's processes are looked through instead. Must not decide what follows. Blocking: call it on a thread.
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
    """What came of asking for a lease."""

    HELD = auto()
    """Nobody can write to the file until it is given back."""
    WRITTEN = auto()
    """A program can write to it now."""
    UNKNOWN = auto()
    """The file system knows no leases, or the file cannot be opened."""


@contextlib.contextmanager
def read_lease(path: Path) -> Iterator[Hold]:
    """Try to keep others from writing to a regular file for one block; a program that tries meanwhile waits."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        yield Hold.UNKNOWN
        return
    try:
        yield _ask(descriptor)
    finally:
        os.close(descriptor)  # gives the lease back, too


def _ask(descriptor: int) -> Hold:
    try:
        # Whoever holds a lease that others want back gets SIGIO, which would end us; SIGURG is ignored.
        fcntl.fcntl(descriptor, _SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return Hold.WRITTEN if error.errno in {errno.EAGAIN, errno.EBUSY} else Hold.UNKNOWN
    return Hold.HELD


def is_written(paths: Collection[Path]) -> bool:
    """Whether a program can write to any of some regular files at this moment."""
    unknown: list[Path] = []
    for path in paths:
        with read_lease(path) as hold:
            if hold is Hold.WRITTEN:
                return True
        if hold is Hold.UNKNOWN:
            unknown.append(path)
    return bool(unknown) and _is_open_in_a_process(unknown)


def _is_open_in_a_process(paths: Collection[Path]) -> bool:
    """Whether a process that we may look into has one of some files open for writing; mappings are not seen."""
    files = set()
    for path in paths:
        with contextlib.suppress(OSError):
            status = path.lstat()
            files.add((status.st_dev, status.st_ino))
    return any(
        (status.st_dev, status.st_ino) in files
        for process in _PROC.glob("[0-9]*")
        for status in _open_for_writing(process)
    )


def _open_for_writing(process: Path) -> Iterator[os.stat_result]:
    """The files that one process can write to; none where we may not look."""
    with contextlib.suppress(OSError):
        for name in os.listdir(process / "fd"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                described = (process / "fdinfo" / name).read_text()
                flags = int(described.partition("flags:")[2].split()[0], 8)
                if flags & os.O_ACCMODE != os.O_RDONLY:
                    yield (process / "fd" / name).stat()
