"""Where in a TOML file a mistake is, in words.

Owns finding line and key. Must not know what any key means.
"""

from __future__ import annotations

import re

import msgspec


def explain(error: msgspec.ValidationError, text: str) -> str:
    """Say line and key of what msgspec refused; it names the place as ``$.drop[0].users``."""
    reason, _, place = str(error).partition(" - at ")
    if unknown := re.search(r"unknown field `(.+)`", reason):
        place += f".{unknown[1]}"
    return f"{name_place(place.strip('`'), text)}{reason[:1].lower()}{reason[1:]}"


def name_place(place: str, text: str) -> str:
    """Begin a sentence with line and key of a place such as ``$.drop[0].users``."""
    keys = re.findall(r"[A-Za-z_]+", place)
    number = re.search(r"\[(\d+)\]", place)
    line = _line_of(keys, int(number[1]) if number else 0, text)
    named = f"key {'.'.join(keys)}: " if keys else ""
    return f"{f'line {line}, ' if line else ''}{named}"


def _line_of(keys: list[str], number: int, text: str) -> int | None:
    """Find the first line that sets the last key below the header of its table (or the header itself).

    Args:
        keys: of the tables, then the one that is looked for.
        number: which one of the tables of that name, from 0.
        text: of the file.
    """
    if not keys:
        return None
    *tables, key = keys
    inside = not tables
    for count, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            fits = header[1] == ".".join(tables)
            inside = fits and number == 0
            number -= fits
            if header[1] == ".".join(keys):
                return count
        elif inside and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return count
    return None
