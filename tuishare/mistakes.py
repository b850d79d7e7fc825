"""Where in a TOML file a mistake is, in words.

Owns finding line and key. Must not know what any key means.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_IN_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
"""What msgspec calls types by, and what the writer of a file does."""


def explain(error: msgspec.ValidationError, text: str) -> str:
    """Say line and key of what msgspec refused; it names the place as ``$.drop[0].users``."""
    _, _, place = str(error).partition(" - at ")
    if unknown := _find_unknown(error):
        place += f".{unknown}"
    return f"{name_place(place.strip('`'), text)}{say_reason(error)}"


def say_reason(error: msgspec.ValidationError) -> str:
    """Say what msgspec refused in the words of whoever writes settings."""
    if _find_unknown(error):
        return "there is no such setting"
    reason, _, _ = str(error).partition(" - at ")
    reason = re.sub(r"`(\w+)`", lambda found: _IN_WORDS.get(found[1], found[0]), reason)
    return f"{reason[:1].lower()}{reason[1:]}"


def _find_unknown(error: msgspec.ValidationError) -> str:
    reason, _, _ = str(error).partition(" - at ")
    found = re.search(r"unknown field `(.+)`", reason)
    return found[1] if found else ""


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
