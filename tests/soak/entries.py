"""What was put into drop folders: every form that an entry has ever had, by its content.

Owns reading it from disk. Contents are random, so two that are equal are the same one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from pathlib import Path

Digest = str


def digest_of(path: Path) -> Digest:
    """Condense the names and bytes of a file or folder, whatever its own name; empty if it is gone."""
    seen = hashlib.sha256()
    try:
        if path.is_file():
            return hashlib.sha256(path.read_bytes()).hexdigest()
        if not path.exists():
            return ""
        for file in sorted(found for found in path.rglob("*") if found.is_file()):
            seen.update(f"{file.relative_to(path)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    except FileNotFoundError:
        return ""
    return seen.hexdigest()


def original_name(path: Path) -> str:
    """The name that a payload was sent with; one that was taken already gets a number."""
    return re.sub(r" \(\d+\)(?=(\.[^.]*)?$)", "", path.name)


class History:
    """All forms of all entries, by sender and name, and those that recipients made of them."""

    def __init__(self) -> None:
        self._forms: defaultdict[tuple[str, str], set[Digest]] = defaultdict(set)
        self._touched: set[tuple[str, str, Digest]] = set()
        self._made: set[tuple[str, str, Digest]] = set()

    def note(self, sender: str, entry: Path) -> None:
        """Read an entry as it is now."""
        self._forms[sender, entry.name].add(digest_of(entry))

    def note_touched(self, sender: str, name: str, before: Digest, after: Digest) -> None:
        """Note that the recipient made one form of what had arrived another one, which may be none at all."""
        self._touched.add((sender, name, before))
        self._made.add((sender, name, after))
        self._forms[sender, name].add(after)

    def was_touched(self, sender: str, name: str, digest: Digest) -> bool:
        """Whether the recipient had that form and did something to it: it does not arrive a second time."""
        return (sender, name, digest) in self._touched

    def was_made(self, sender: str, name: str, digest: Digest) -> bool:
        """Whether the recipient made that form; the sender's next one may be the same, when both deleted one file."""
        return (sender, name, digest) in self._made

    def knows(self, sender: str, name: str, digest: Digest) -> bool:
        """Whether the entry of that name has ever been so."""
        return digest in self._forms[sender, name]

    def count(self) -> int:
        """How many forms there were."""
        return sum(map(len, self._forms.values()))


def is_empty(entry: Path) -> bool:
    """Whether there is not one byte to share."""
    if entry.is_file():
        return os.path.getsize(entry) == 0
    return not any(os.path.getsize(file) for file in entry.rglob("*") if file.is_file())
