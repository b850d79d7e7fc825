"""How a key gets in without others seeing it.

Owns the ways: a file, standard input, the environment, and (with a warning) the command line (threat T13).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from tuishare.cli.terminal import warn
from tuishare.errors import BadInput
from tuishare.paths import read_limited
from tuishare.people import parse_key

KEY_VARIABLE: Final = "TUISHARE_KEY"
_LIMIT: Final = 4096


def read_key(key: str | None, key_file: str | None) -> bytes | None:
    """Read the key that was given, if any: ``--key``, ``--key-file`` (``-`` is stdin), else ``TUISHARE_KEY``.

    Raises:
        BadInput: both were given, or it is no key.
        NotFound: the file does not exist.
    """
    if key is not None and key_file is not None:
        raise BadInput("--key and --key-file were both given", hint="Give the key once.")
    if key is not None:
        warn("other users of this machine can see a key on the command line; --key-file hides it")
        return parse_key(key)
    if key_file == "-":
        return parse_key(sys.stdin.read(_LIMIT))
    if key_file is not None:
        return parse_key(read_limited(Path(key_file), _LIMIT).decode(errors="replace"))
    given = os.environ.get(KEY_VARIABLE)
    return parse_key(given) if given else None
