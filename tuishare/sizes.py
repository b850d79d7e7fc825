"""Sizes as people write them.

Owns the grammar: a whole number of bytes, or one with KiB, MiB, GiB or TiB (also written K, M, G, T).
"""

from __future__ import annotations

import re
from typing import Final

from tuishare.errors import BadInput

_FORM: Final = re.compile(r"(\d{1,15})\s*(?:([KMGT])(?:i?B)?|B)?", re.IGNORECASE | re.ASCII)
_SHIFTS: Final = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def parse_size(text: str) -> int:
    """Read a size in bytes; every prefix is a power of 1,024.

    Raises:
        BadInput: it is not of that form.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text[:40]!r} is not a size", hint="Write bytes, or something like 256KiB or 4MiB.")
    return int(match[1]) << _SHIFTS[(match[2] or "").upper()]
