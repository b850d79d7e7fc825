"""Error messages for TOML files, with line and key.

Owns finding the line and key of an error. Must not know what a key means.
"""

from __future__ import annotations

import re
from typing import Any, Final, get_args, get_origin

import msgspec

_IN_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
"""Type names of msgspec, and what users call them."""


def explain(error: msgspec.ValidationError, text: str, kind: Any) -> str:
    """Return line, key and reason of a validation error.

    Args:
        error: from msgspec; its message names the key as ``$.drop[0].users``.
        text: of the file.
        kind: the type that the file was converted to.
    """
    _, place = _split(error)
    if unknown := _find_unknown(error):
        place += f".{unknown}"
    return f"{name_place(place, text)}{describe_reason(error, kind)}"


def describe_reason(error: msgspec.ValidationError, kind: Any) -> str:
    """Return the reason of a validation error in terms of the settings; `kind` is the type converted to."""
    if _find_unknown(error):
        return "there is no such setting"
    reason, place = _split(error)
    if wrong := re.fullmatch(r"Invalid enum value (.*)", reason, re.DOTALL):
        *others, last = map(str, _find_choices(kind, place))
        return f"expected {', '.join(others)} or {last}, not {wrong[1]}"
    reason = re.sub(r"`(\w+)`", lambda found: _IN_WORDS.get(found[1], found[0]), reason)
    return f"{reason[:1].lower()}{reason[1:]}"


def _find_unknown(error: msgspec.ValidationError) -> str:
    reason, _ = _split(error)
    found = re.search(r"unknown field `(.+)`", reason)
    return found[1] if found else ""


def _split(error: msgspec.ValidationError) -> tuple[str, str]:
    """Split a message of msgspec into reason and path; a value quoted in the reason may look like a path."""
    found = re.fullmatch(r"(.*?)(?: - at `([^`]*)`)?", str(error), re.DOTALL)
    assert found is not None  # it matches everything
    return found[1], found[2] or ""


def _find_choices(kind: Any, place: str) -> tuple[object, ...]:
    """Return the values allowed at a path in a type."""
    for key in re.findall(r"[A-Za-z_]+", place):
        fields = msgspec.structs.fields(_strip_lists(kind))
        (kind,) = (field.type for field in fields if field.encode_name == key)
    return get_args(_strip_lists(kind))


def _strip_lists(kind: Any) -> Any:
    while get_origin(kind) is list:
        (kind,) = get_args(kind)
    return kind


def name_place(place: str, text: str) -> str:
    """Return line and key of a path such as ``$.drop[0].users``, as the beginning of a sentence."""
    keys = re.findall(r"[A-Za-z_]+", place)
    number = re.search(r"\[(\d+)\]", place)
    line = _line_of(keys, int(number[1]) if number else 0, text)
    named = f"key {'.'.join(keys)}: " if keys else ""
    return f"{f'line {line}, ' if line else ''}{named}"


def _line_of(keys: list[str], number: int, text: str) -> int | None:
    """Find the first line that sets the last key below the header of its table (or the header itself).

    Args:
        keys: the tables, then the key to find.
        number: which of the tables of that name, from 0.
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
