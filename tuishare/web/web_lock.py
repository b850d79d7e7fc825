"""The lock that allows one web page per home, and tells commands where it is.

Owns the lock file. The kernel releases the lock with the process, so a crash leaves nothing to clean up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tuishare.errors import SystemFailed, from_os_error

_LONGEST: Final = 1_000


@contextlib.contextmanager
def hold_web_lock(path: Path) -> Iterator[int]:
    """Hold the lock for one block; yields the descriptor to write the address to, see `write_address`.

    Raises:
        SystemFailed: another process has it, or the file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os_error(error, f"open {path}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SystemFailed(
                "The web page of this home is running already",
                hint="`tuishare web link` prints a link to log in.",
            ) from error
        os.ftruncate(descriptor, 0)
        yield descriptor
    finally:
        os.close(descriptor)


def write_address(descriptor: int, url: str) -> None:
    """Write where the page is.

    Raises:
        SystemFailed: the disk refuses.
    """
    try:
        os.pwrite(descriptor, f"{url}\n".encode(), 0)
    except OSError as error:
        raise from_os_error(error, "write the address of the web page") from error


def find_address(path: Path) -> str:
    """Return where the page of this home is; empty if it is not running.

    Raises:
        SystemFailed: the file cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(descriptor, _LONGEST).decode(errors="replace").strip()
        return ""
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error
    finally:
        os.close(descriptor)
