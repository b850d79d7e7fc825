"""Strict bencoding (BEP 3): only the canonical encoding of a value is accepted.

Owns the encoding, must not know torrents. Because only the canonical form is accepted, encoding a decoded value gives
the same bytes, so an info-hash may be computed from either.
"""

from __future__ import annotations

import re
from typing import TypeAlias, assert_never

from tuishare.errors import BadInput
from tuishare.torrents.errors import TooLarge
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"
"""A bencoded value; the keys of a dictionary are byte strings."""

_NUMBER = re.compile(rb"(0|-?[1-9][0-9]{0,18})e")
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,9}):")
_INT64 = range(-(2**63), 2**63)

MAX_DEPTH = 100
"""Maximum nesting of lists and dictionaries: libtorrent's limit too, and far below Python's recursion limit."""


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
    """Decode `data`, which must be exactly one value.

    Args:
        data: to decode.
        strict: False: also accept unsorted and repeated keys, of which the first counts, and trailing bytes, as some
            trackers send them and libtorrent reads them.
        max_values: maximum number of values, without keys of dictionaries.

    Raises:
        BadInput: it is not bencoded, not canonical (unsorted or repeated keys, leading zeros, minus zero, trailing
            bytes), nested deeper than `MAX_DEPTH`, or has integers over 64 bits.
        TooLarge: it has more values; raised as soon as the limit is exceeded.
    """
    reader = _Reader(data, max_values, strict=strict)
    value = reader.read(0)
    if strict and reader.position != len(data):
        raise reader.fault("it has trailing bytes")
    return value


def decode_entries(data: bytes, *, max_values: int = DEFAULT_LIMITS.max_values) -> dict[bytes, bytes]:
    """Return the entries of a dictionary with each value still encoded.

    Unsorted and repeated keys, of which the first counts, and trailing bytes are accepted, as by `decode` without
    `strict`.

    Args:
        data: to decode.
        max_values: as in `decode`.

    Raises:
        BadInput: it is not a bencoded dictionary.
        TooLarge: it has more values.
    """
    return _Reader(data, max_values, strict=False).read_entries()


class _Reader:
    """Decoder of one text; `position` is the offset of the next byte."""

    def __init__(self, data: bytes, max_values: int, *, strict: bool) -> None:
        self.position = 0
        self._data = data
        self._strict = strict
        self._left = max_values
        self._max_values = max_values

    def fault(self, what: str) -> BadInput:
        return BadInput(
            f"This is not a torrent: {what} (at byte {self.position})",
            hint="Check that the file is a .torrent and is complete.",
        )

    def read(self, depth: int) -> Value:
        self._left -= 1
        if self._left < 0:
            raise TooLarge(f"has more than {self._max_values:,} values")
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

    def read_entries(self) -> dict[bytes, bytes]:
        if not self._data.startswith(b"d"):
            raise self.fault("it is not a dictionary")
        self.position = 1
        entries: dict[bytes, bytes] = {}
        while not self._at_end():
            key, start = self._string(), self.position
            self.read(1)
            entries.setdefault(key, self._data[start : self.position])
        return entries

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
