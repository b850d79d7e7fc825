"""Reading of files that hold secrets.

Owns the rule for secrets on disk: a regular file, ours, without access for group and others. Must not know what the
files hold, and must not repair permissions silently: a key that others could read may have been read.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from tuishare.errors import BadConfiguration, from_os_error


def read_private(path: Path, limit: int) -> str:
    """Read a whole text file that holds secrets.

    The checks are made on the open descriptor, so the file cannot be exchanged between check and read.

    Args:
        path: of the file; a symlink as its last component is refused.
        limit: maximum size in bytes.

    Raises:
        NotFound: there is no such file.
        BadConfiguration: it is not a regular file, not ours, accessible to others, too large, or not UTF-8.
        SystemFailed: it cannot be read.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO would block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check_privacy(path, os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(limit + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BadConfiguration(f"{path} is a symlink, not a regular file") from error
        raise from_os_error(error, f"read {path}") from error
    if len(data) > limit:
        raise BadConfiguration(f"{path} is larger than {limit:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadConfiguration(f"{path} is damaged: it is not UTF-8 text") from error


def _check_privacy(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise BadConfiguration(f"{path} is not a regular file")
    if status.st_uid != os.geteuid():
        raise BadConfiguration(
            f"{path} belongs to another user (uid {status.st_uid}, ours is {os.geteuid()})",
            hint="Run tuishare as its owner, or give it a home of its own.",
        )
    if status.st_mode & 0o077:
        raise BadConfiguration(
            f"{path} is accessible to other users (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"Run: chmod 600 {shlex.quote(str(path))}",
        )
