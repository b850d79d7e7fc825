"""Sizes as users read and write them.

Owns the units. Output is decimal, as in file managers and torrent clients: ``38.2 GB``. Input may be decimal or
binary, as in GNU tools: ``5MB`` is 5,000,000 bytes, ``5MiB`` or ``5M`` is 5 × 1,024².
"""

from __future__ import annotations

import re
from typing import Final

from tuishare.errors import BadInput

_FORM: Final = re.compile(r"(\d{1,15})\s*(?:([KMGT])(i?B)?|B)?", re.IGNORECASE | re.ASCII)
_PREFIXES: Final = "KMGT"
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def parse_size(text: str) -> int:
    """Parse a size into bytes.

    Raises:
        BadInput: the text has another form.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise BadInput(
            f"{text[:40]!r} is not a size", hint="Write bytes, or something like 256KiB, 4MiB or 5MB."
        )
    number, prefix, unit = match.groups()
    step = 1000 if unit is not None and unit.upper() == "B" else 1024
    size = int(number)
    for _ in range(_PREFIXES.index(prefix.upper()) + 1 if prefix else 0):
        size *= step
    return size


def format_size(size: float) -> str:
    """Format a number of bytes with at most three digits and a decimal unit: ``38.2 GB``."""
    value = float(size)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    digits = 1 if unit != "B" and value < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


def format_rate(rate: float) -> str:
    """Format bytes per second: ``11.9 MB/s``."""
    return f"{format_size(rate)}/s"
