"""Bencoding (BEP 3), strict: every value has exactly one encoding, and only that one is read.

Owns the bytes and nothing about torrents. Because only the canonical form is accepted, encoding what was decoded gives
the same bytes again; an info-hash may therefore be taken from either.
"""

from __future__ import annotations

import re
from typing import TypeAlias, assert_never

from tuishare.errors import BadInput
from tuishare.torrents.errors import TooLarge
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"
"""What bencoding can say; the keys of a dictionary are byte strings."""

_NUMBER = re.compile(rb"(0|-?[1-9][0-9]{0,18})e")
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,9}):")
_INT64 = range(-(2**63), 2**63)

MAX_DEPTH = 100
"""Nested lists and dictionaries; what libtorrent reads as well, and far below Python's own recursion limit."""


def encode(value: Value) -> bytes:
    """Return the canonical encoding of `value`."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Value, parts: list[bytes]) -> None:
    match value:
        case bytes():
            parts.append(b"%d:" % len(value))
            parts.append(value)
        case int():
            parts.append(b"i%de" % value)
        case list():
            parts.append(b"l")
            for item in value:
                _write(item, parts)
            parts.append(b"e")
        case dict():
            parts.append(b"d")
            for key in sorted(value):
                _write(key, parts)
                _write(value[key], parts)
            parts.append(b"e")
        case _:
            assert_never(value)


def decode(data: bytes, *, strict: bool = True, max_values: int = DEFAULT_LIMITS.max_values) -> Value:
    """Read exactly one value that fills `data`.

    Args:
        data: the text.
        strict: False: also with keys that are not in order or repeat, of which the first counts, and with something
            after the end, as trackers write it and libtorrent reads it.
        max_values: how many values there may be in it, keys of dictionaries aside.

    Raises:
        BadInput: it is not bencoded, not canonical (unsorted or repeated keys, leading zeros, minus zero, something
            after the end) or over `MAX_DEPTH` or 64-bit integers.
        TooLarge: it holds more values; told as soon as one too many begins.
    """
    reader = _Reader(data, max_values, strict=strict)
    value = reader.read(0)
    if strict and reader.position != len(data):
        raise reader.fault("something follows its end")
    return value


class _Reader:
    """Walks through one text; `position` is the offset of the next byte to read."""

    def __init__(self, data: bytes, max_values: int, *, strict: bool) -> None:
        self.position = 0
        self._data = data
        self._strict = strict
        self._left = max_values
        self._max_values = max_values

    def fault(self, what: str) -> BadInput:
        return BadInput(
            f"This is not a torrent: {what} (at byte {self.position})",
            hint="Check that the file is a .torrent and arrived whole.",
        )

    def read(self, depth: int) -> Value:
        self._left -= 1
        if self._left < 0:
            raise TooLarge(f"holds more than {self._max_values:,} values")
        lead = self._data[self.position : self.position + 1]
        if lead.isdigit():
            return self._string()
        if lead not in {b"i", b"l", b"d"}:
            raise self.fault("no value begins here" if lead else "it ends too early")
        if depth == MAX_DEPTH:
            raise self.fault(f"nested deeper than {MAX_DEPTH}")
        self.position += 1
        if lead == b"i":
            return self._number()
        return self._list(depth) if lead == b"l" else self._dictionary(depth)

    def _string(self) -> bytes:
        match = _LENGTH.match(self._data, self.position)
        if match is None:
            raise self.fault("malformed length of a string")
        end = match.end() + int(match[1])
        if end > len(self._data):
            raise self.fault("a string is longer than the rest")
        self.position = end
        return self._data[match.end() : end]

    def _number(self) -> int:
        match = _NUMBER.match(self._data, self.position)
        if match is None:
            raise self.fault("malformed number")
        number = int(match[1])
        if number not in _INT64:
            raise self.fault("a number has more than 64 bits")
        self.position = match.end()
        return number

    def _at_end(self) -> bool:
        if self._data.startswith(b"e", self.position):
            self.position += 1
            return True
        return False

    def _list(self, depth: int) -> list[Value]:
        items: list[Value] = []
        while not self._at_end():
            items.append(self.read(depth + 1))
        return items

    def _dictionary(self, depth: int) -> dict[bytes, Value]:
        entries: dict[bytes, Value] = {}
        last: bytes | None = None
        while not self._at_end():
            key = self._string()
            if self._strict and last is not None and key <= last:
                raise self.fault("keys of a dictionary repeat or are not in order")
            entries.setdefault(key, self.read(depth + 1))
            last = key
        return entries
