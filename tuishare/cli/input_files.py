"""Files that a user names on the command line.

Owns how much of one is read, and that ``-`` is standard input. Must not know what a file holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tuishare.errors import from_os_error


def read_start(name: str, limit: int, what: str) -> bytes:
    """Return the beginning of a file, of a pipe such as ``<(pass show bob)`` of the shell, or of standard input.

    Args:
        name: of the file; ``-`` is standard input.
        limit: bytes that are read at most.
        what: it holds, for the error.

    Raises:
        NotFound: there is no such file.
        SystemFailed: it cannot be read.
    """
    try:
        if name == "-":
            return sys.stdin.buffer.read(limit) if sys.stdin else b""
        with Path(name).open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise from_os_error(error, f"read {what} from {name}") from error
