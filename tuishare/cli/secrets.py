"""Keys as input of commands, hidden from other users.

Owns the sources: a file, standard input, the environment, and (with a warning) the command line (threat T13).
"""

from __future__ import annotations

import os
from typing import Final

from tuishare.cli.input_files import read_start
from tuishare.cli.terminal import warn
from tuishare.errors import BadInput
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
        return read_key_line(decode_text(read_start(key_file, _LIMIT, "the key"), "key"))
    given = os.environ.get(KEY_VARIABLE)
    return read_key_line(given) if given else None
