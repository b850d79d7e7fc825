"""Changes of recipients to what they received, each of which must survive later deliveries.

Owns the list, and looking for it below a folder. A keepsake is one of: a byte string inside a file, a name (of a file,
a folder, a link), a file's content together with its mode.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tuishare.agent.downloads.files import INCOMING
from tuishare.fs.atomic import TEMPORARY_PREFIX


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes that a person wrote into a file; random, so that they are nowhere else."""

    data: bytes

    def __str__(self) -> str:
        return f"{len(self.data)} bytes that begin with {self.data[:4].hex()}"


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a person gave to something."""

    name: str

    def __str__(self) -> str:
        return f"what was called “{self.name}”"


@dataclass(frozen=True, slots=True)
class Moded:
    """The mode that a person gave to a file, with its SHA-256."""

    digest: bytes
    mode: int

    def __str__(self) -> str:
        return f"the mode {self.mode:04o} of the content {self.digest[:4].hex()}"


Keepsake: TypeAlias = Wrote | Named | Moded


@dataclass(frozen=True, slots=True)
class Sight:
    """All that is to be seen in a folder, or of one file."""

    names: frozenset[str]
    contents: tuple[bytes, ...]
    modes: frozenset[Moded]

    @classmethod
    def of(cls, place: Path) -> Sight:
        """Look at everything below a path; what the agent keeps for itself does not count as visible."""
        names, contents, modes = set[str](), list[bytes](), set[Moded]()
        for path in _walk(place):
            names.add(path.name)
            try:
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    contents.append(data := path.read_bytes())
                    modes.add(Moded(hashlib.sha256(data).digest(), stat.S_IMODE(status.st_mode)))
            except FileNotFoundError:  # replaced in this moment
                continue
        return cls(frozenset(names), tuple(contents), frozenset(modes))

    def has(self, keepsake: Keepsake) -> bool:
        """Whether it is there."""
        match keepsake:
            case Wrote(data):
                return any(data in content for content in self.contents)
            case Named(name):
                return name in self.names
            case Moded():
                return keepsake in self.modes


class Keepsakes:
    """Those of all people, by who made them."""

    def __init__(self) -> None:
        self._made: defaultdict[str, set[Keepsake]] = defaultdict(set)

    def count(self) -> int:
        """How many there are now."""
        return sum(map(len, self._made.values()))

    def change(self, person: str, before: Sight, after: Sight, *made: Keepsake) -> None:
        """Note what a person made of an entry, and forget what was in it and is not any more: they did that.

        Args:
            person: whose downloads.
            before: the entry, before what they did.
            after: the same afterwards, under its new name if it has one.
            made: what they did.
        """
        kept = self._made[person]
        kept -= {one for one in kept if before.has(one) and not after.has(one)}
        kept.update(one for one in made if after.has(one))

    def find_missing(self, person: str, downloads: Path) -> list[str]:
        """What is to be seen nowhere below their downloads; each is told once."""
        sight = Sight.of(downloads)
        lost = {one for one in self._made[person] if not sight.has(one)}
        self._made[person] -= lost
        return sorted(f"{one} is gone" for one in lost)


def _walk(place: Path) -> Iterator[Path]:
    if not os.path.lexists(place):
        return
    yield place
    if place.is_symlink() or not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        if path.name != INCOMING and not path.name.startswith(TEMPORARY_PREFIX):
            yield from _walk(path)
