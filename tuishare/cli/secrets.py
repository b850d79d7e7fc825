"""Keys as input of commands, hidden from other users.

Owns the sources: a file, standard input, the environment, and (with a warning) the command line (threat T13).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from tuishare.cli.terminal import warn
from tuishare.errors import BadInput, from_os_error
from tuishare.people import decode_text, read_key_line

KEY_VARIABLE: Final = "TUISHARE_KEY"
_LIMIT: Final = 4096


def read_key(key: str | None, key_file: str | None) -> bytes | None:
    """Return the given key, if any: of ``--key``, ``--key-file`` (``-`` is stdin) or ``TUISHARE_KEY``.

    Raises:
        BadInput: both options were given, or it is not a key.
        NotFound: the file does not exist.
    """
    if key is not None and key_file is not None:
        raise BadInput("--key and --key-file were both given", hint="Give the key once.")
    if key is not None:
        warn("other users of this machine can see a key on the command line; --key-file hides it")
        return read_key_line(key)
    if key_file is not None:
        return read_key_line(decode_text(_read_start(key_file), "key"))
    given = os.environ.get(KEY_VARIABLE)
    return read_key_line(given) if given else None


def _read_start(name: str) -> bytes:
    """Read a file or a pipe, such as ``<(pass show bob)`` of the shell; a key is shorter than the limit."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(_LIMIT) if sys.stdin else b""
        with Path(name).open("rb") as file:
            return file.read(_LIMIT)
    except OSError as error:
        raise from_os_error(error, f"read the key from {name}") from error
