"""Typed access to bencoded dictionaries that others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from tuishare.errors import BadInput
from tuishare.torrents.bencode import Value


def malformed(what: str) -> BadInput:
    """Make the error for a text that is bencoded but no proper torrent."""
    return BadInput(f"This is not a valid torrent: {what}", hint="Ask its maker for another one.")


def text(octets: bytes) -> str:
    """Decode a name; bytes that are not UTF-8 become lone surrogates, so that nothing is lost or repaired."""
    return octets.decode("utf-8", "surrogateescape")


def texts(value: Value, what: str) -> Iterator[str]:
    """Decode a list of strings; `what` names it in the error.

    Raises:
        BadInput: it is something else.
    """
    if not isinstance(value, list):
        raise malformed(f"“{what}” is not a list")
    for item in value:
        if not isinstance(item, bytes):
            raise malformed(f"“{what}” holds something that is not a string")
        yield text(item)


class DictReader:
    """One dictionary; each getter raises `BadInput` if the field is missing or of another type."""

    def __init__(self, entries: dict[bytes, Value]) -> None:
        self.entries = entries

    @classmethod
    def of(cls, value: Value, what: str) -> Self:
        """Take a value that must be a dictionary; `what` names it in the error."""
        if not isinstance(value, dict):
            raise malformed(f"{what} is not a dictionary")
        return cls(value)

    def has(self, name: str) -> bool:
        """Say whether there is such a field."""
        return name.encode() in self.entries

    def names(self) -> frozenset[str]:
        """Return the names of all fields."""
        return frozenset(map(text, self.entries))

    def value(self, name: str) -> Value:
        """Return a field of whatever type."""
        if not self.has(name):
            raise malformed(f"“{name}” is missing")
        return self.entries[name.encode()]

    def fields(self, name: str) -> DictReader:
        """Return a dictionary."""
        return DictReader.of(self.value(name), f"“{name}”")

    def natural(self, name: str) -> int:
        """Return a number that is not negative."""
        value = self.value(name)
        if not isinstance(value, int) or value < 0:
            raise malformed(f"“{name}” is not a natural number")
        return value

    def octets(self, name: str) -> bytes:
        """Return a string as bytes."""
        value = self.value(name)
        if not isinstance(value, bytes):
            raise malformed(f"“{name}” is not a string")
        return value

    def only_text(self, name: str) -> str:
        """Return a string, which `NAME.utf-8` beside it must repeat: libtorrent would prefer the latter."""
        octets = self.octets(name)
        if self.entries.get(f"{name}.utf-8".encode(), octets) != octets:
            raise malformed(f"“{name}” is given in two different ways")
        return text(octets)

    def values(self, name: str) -> list[Value]:
        """Return a list; an absent field is an empty one."""
        value = self.entries.get(name.encode(), [])
        if not isinstance(value, list):
            raise malformed(f"“{name}” is not a list")
        return value

    def text_or_texts(self, name: str) -> list[str]:
        """Return what may be one string or a list of them; an absent field and an empty string are an empty list."""
        value = self.entries.get(name.encode(), [])
        return list(texts([value] if isinstance(value, bytes) and value else value or [], name))
