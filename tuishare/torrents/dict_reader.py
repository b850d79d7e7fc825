"""Typed access to bencoded dictionaries from untrusted sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from tuishare.errors import BadInput
from tuishare.torrents.bencode import Value


def malformed(what: str) -> BadInput:
    """Return the error for data that is bencoded but not a valid torrent."""
    return BadInput(f"This is not a valid torrent: {what}", hint="Ask for a new one from where you have it.")


def text(octets: bytes) -> str:
    """Decode a name; bytes that are not UTF-8 become lone surrogates, so decoding loses nothing."""
    return octets.decode("utf-8", "surrogateescape")


def texts(value: Value, what: str) -> Iterator[str]:
    """Decode a list of strings; `what` names it in the error.

    Raises:
        BadInput: it has another type.
    """
    if not isinstance(value, list):
        raise malformed(f"“{what}” is not a list")
    for item in value:
        if not isinstance(item, bytes):
            raise malformed(f"“{what}” contains a value that is not a string")
        yield text(item)


class DictReader:
    """Wraps a dictionary; each getter raises `BadInput` if the field is missing or has another type."""

    def __init__(self, entries: dict[bytes, Value]) -> None:
        self.entries = entries

    @classmethod
    def of(cls, value: Value, what: str) -> Self:
        """Wrap a value that must be a dictionary; `what` names it in the error."""
        if not isinstance(value, dict):
            raise malformed(f"{what} is not a dictionary")
        return cls(value)

    def has(self, name: str) -> bool:
        """Return whether the field exists."""
        return name.encode() in self.entries

    def names(self) -> frozenset[str]:
        """Return the names of all fields."""
        return frozenset(map(text, self.entries))

    def value(self, name: str) -> Value:
        """Return a field of any type."""
        if not self.has(name):
            raise malformed(f"“{name}” is missing")
        return self.entries[name.encode()]

    def fields(self, name: str) -> DictReader:
        """Return a field that is a dictionary."""
        return DictReader.of(self.value(name), f"“{name}”")

    def natural(self, name: str) -> int:
        """Return a field that is a non-negative integer."""
        value = self.value(name)
        if not isinstance(value, int) or value < 0:
            raise malformed(f"“{name}” is not a natural number")
        return value

    def octets(self, name: str) -> bytes:
        """Return a field that is a string, as bytes."""
        value = self.value(name)
        if not isinstance(value, bytes):
            raise malformed(f"“{name}” is not a string")
        return value

    def only_text(self, name: str) -> str:
        """Return a field that is a string; a field `NAME.utf-8`, which libtorrent prefers, must be equal."""
        octets = self.octets(name)
        if self.entries.get(f"{name}.utf-8".encode(), octets) != octets:
            raise malformed(f"“{name}” is given twice with different values")
        return text(octets)

    def values(self, name: str) -> list[Value]:
        """Return a field that is a list; a missing field is an empty list."""
        value = self.entries.get(name.encode(), [])
        if not isinstance(value, list):
            raise malformed(f"“{name}” is not a list")
        return value

    def text_or_texts(self, name: str) -> list[str]:
        """Return a field that is a string or a list of them; a missing field and an empty string are an empty list."""
        value = self.entries.get(name.encode(), [])
        return list(texts([value] if isinstance(value, bytes) and value else value or [], name))
