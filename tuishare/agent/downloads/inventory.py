"""Inventory of a delivered payload: all that stands in its place, and whether that is what was delivered.

Owns the fingerprint of a delivered payload, and its comparison with the hashes of its torrent. Looks at everything,
also at what a walk leaves out: links, pipes, empty folders, hidden names, modes, extended attributes. Must not change
anything. Blocking: call it on a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from tuishare.errors import TuishareError
from tuishare.torrents import (
    AS_IN_TORRENT,
    Cancelled,
    Changed,
    IsCancelled,
    LocalNames,
    Parts,
    Torrent,
    is_payload_of,
    localize,
    parse_torrent,
    walk,
)

_ATTRIBUTES: Final = ("user.", "system.posix_acl_")
"""Extended attributes that users set; the others (security labels for instance) are the system's."""
_EXECUTABLE: Final = 0o111


class InventoryEntry(msgspec.Struct, frozen=True, gc=False):
    """One file, folder or link of a payload.

    Attributes:
        parts: path below the payload; empty for the payload itself.
        kind: its `stat.S_IFMT`.
        mode: permission bits.
        size: bytes of a regular file, otherwise 0.
        more: target of a link, and extended attributes.
        times: mtime and ctime of a regular file in ns, otherwise zeros.
        inode: number of a regular file, otherwise 0.
    """

    parts: Parts
    kind: int
    mode: int
    size: int
    more: tuple[bytes, ...]
    times: tuple[int, int]
    inode: int


@dataclass(frozen=True)
class Inventory:
    """All entries at one moment; the payload itself comes first."""

    entries: tuple[InventoryEntry, ...]

    @cached_property
    def shape(self) -> str:
        """Digest of what stays the same when the payload is copied, restored or mounted elsewhere."""
        return _condense([(_raw(e.parts), e.kind, e.mode, e.size, e.more) for e in self.entries])

    @cached_property
    def form(self) -> str:
        """Digest of all: equal for two looks exactly when nothing changed between them."""
        return _condense([(self.shape, e.times, e.inode) for e in self.entries])

    def files(self, path: Path) -> list[Path]:
        """Return the paths of its regular files, for a payload at `path`."""
        return [path.joinpath(*entry.parts) for entry in self.entries if stat.S_ISREG(entry.kind)]

    def was(self, other: Inventory) -> bool:
        """Return whether only its own name changed since another look: a rename changes the ctime."""
        return _without_ctime(self.entries) == _without_ctime(other.entries)


def _without_ctime(entries: tuple[InventoryEntry, ...]) -> tuple[InventoryEntry, ...]:
    top, *below = entries
    return (msgspec.structs.replace(top, times=(top.times[0], 0)), *below)


def _condense(value: object) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(value)).hexdigest()


def _raw(parts: Parts) -> list[bytes]:
    """Return names as bytes: a name need not be UTF-8."""
    return [os.fsencode(part) for part in parts]


@dataclass(frozen=True, slots=True)
class PayloadFingerprint:
    """The fingerprint of a delivered payload.

    Attributes:
        shape: as it was delivered; empty: unknown, so no generation ever replaces it.
        form: as it was when it was compared with its hashes last.
        intact: whether every byte of the torrent was there then.
    """

    shape: str
    form: str
    intact: bool = True

    def intact_or_unread(self, found: Inventory) -> bool:
        """Return whether a payload has its delivered shape, and other bytes were never read in its present form."""
        return self.shape == found.shape and (self.intact or self.form != found.form)

    @classmethod
    def parse(cls, text: str) -> PayloadFingerprint | None:
        """Parse the result of `str`; None for what an earlier version has stored, and for an empty text."""
        shape, *rest = text.split(":")
        return cls(shape, rest[0], rest[1:] == ["intact"]) if len(rest) == 2 else None

    def __str__(self) -> str:
        return f"{self.shape}:{self.form}:{'intact' if self.intact else 'changed'}"


class Condition(Enum):
    """The condition of a delivered payload, as far as it is known without reading it."""

    INTACT = auto()
    CHANGED = auto()
    """It is gone, or has other bytes."""
    DOUBTFUL = auto()
    """It has to be compared with its hashes."""


def take_inventory(path: Path) -> Inventory:
    """Look at all entries at a path, without following links.

    Raises:
        OSError: an entry cannot be read, or is gone.
    """
    entries = []
    ahead: list[Parts] = [()]
    while ahead:
        entry, inside = _look(path, ahead.pop())
        entries.append(entry)
        ahead += inside
    return Inventory(tuple(entries))


def _look(path: Path, parts: Parts) -> tuple[InventoryEntry, list[Parts]]:
    """Return one entry below a path, and the names in it if it is a folder, last name first."""
    here = path.joinpath(*parts)
    status = here.lstat()
    kind = stat.S_IFMT(status.st_mode)
    is_file = stat.S_ISREG(kind)
    entry = InventoryEntry(
        parts,
        kind,
        stat.S_IMODE(status.st_mode),
        status.st_size if is_file else 0,
        (*([os.readlink(os.fsencode(here))] if stat.S_ISLNK(kind) else ()), *_attributes(here)),
        (status.st_mtime_ns, status.st_ctime_ns) if is_file else (0, 0),
        status.st_ino if is_file else 0,
    )
    names = sorted(os.listdir(here), key=os.fsencode, reverse=True) if stat.S_ISDIR(kind) else []
    return entry, [(*parts, name) for name in names]


def _attributes(path: Path) -> Iterator[bytes]:
    """Return names and values of attributes that users set; none where the file system has no attributes."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return
    for name in sorted(names):
        if name.startswith(_ATTRIBUTES):
            yield os.fsencode(name)
            yield os.getxattr(path, name, follow_symlinks=False)


def fingerprint_delivered(inventory: Inventory) -> str:
    """Return the fingerprint of a payload that has just been delivered, or is as it was delivered."""
    return str(PayloadFingerprint(inventory.shape, inventory.form))


def inspect(path: Path, fingerprint: str) -> Condition:
    """Compare a payload with a fingerprint, without reading it."""
    try:
        inventory = take_inventory(path)
    except OSError:
        return Condition.DOUBTFUL if os.path.lexists(path) else Condition.CHANGED
    known = PayloadFingerprint.parse(fingerprint)
    if known is None or known.form != inventory.form:
        return Condition.DOUBTFUL
    return Condition.INTACT if known.intact else Condition.CHANGED


def compare_with_torrent(
    path: Path,
    fingerprint: str,
    torrent: bytes,
    *,
    cancelled: IsCancelled | None = None,
    partly: bool = False,
    names: LocalNames = AS_IN_TORRENT,
) -> PayloadFingerprint | None:
    """Read a payload, and compare it with its torrent.

    Args:
        path: where it was delivered.
        fingerprint: as it was recorded; its shape is kept, because it is the delivered one.
        torrent: of the delivered payload.
        cancelled: see `tuishare.torrents.IsCancelled`.
        partly: whether not all of its files were wanted.
        names: that its files have here.

    Returns:
        The fingerprint to be recorded, or None when it is gone, cannot be read, or changed meanwhile.

    Raises:
        Cancelled: `cancelled` returned True.
    """
    try:
        before = take_inventory(path)
        intact = _holds(path, torrent, names, cancelled, partly=partly)
        after = take_inventory(path)
    except (OSError, Changed):
        return None
    if before.form != after.form:
        return None
    known = PayloadFingerprint.parse(fingerprint)
    shape = (
        known.shape
        if known
        else _assumed_shape(before, localize(parse_torrent(torrent), names))
        if intact
        else ""
    )
    return PayloadFingerprint(shape, before.form, intact)


def _holds(
    path: Path, data: bytes, names: LocalNames, cancelled: IsCancelled | None, *, partly: bool = False
) -> bool:
    """Return whether all bytes of a torrent are there, whatever else is."""
    try:
        files, folders = _places(localize(parse_torrent(data), names))
        tree = walk(path, ignore=lambda parts, is_folder: parts not in (folders if is_folder else files))
        return is_payload_of(data, tree, cancelled=cancelled, partly=partly, names=names)
    except (Cancelled, Changed):
        raise
    except TuishareError:
        return False


def _places(torrent: Torrent) -> tuple[set[Parts], set[Parts]]:
    """Return the paths of a torrent's files, and of its folders, below its payload."""
    files: set[Parts] = {file.parts for file in torrent.files} if torrent.is_folder else {()}
    return files, {parts[:depth] for parts in files for depth in range(len(parts))}


def find_untouched(
    path: Path,
    fingerprint: str,
    torrent: bytes,
    *,
    cancelled: IsCancelled | None = None,
    names: LocalNames = AS_IN_TORRENT,
) -> Inventory | None:
    """Check that a delivered payload is untouched: nothing added, removed, renamed or edited, no mode changed.

    It is read only when its times or inodes differ from those recorded; a copy, a restored backup or another mount
    changes those, too.

    Args:
        path: where it stands now.
        fingerprint: as it was recorded.
        torrent: of the delivered payload; empty: unknown.
        cancelled: see `tuishare.torrents.IsCancelled`.
        names: that its files have there.

    Returns:
        What stands there, or None when it was changed, or may have been.

    Raises:
        Cancelled: `cancelled` returned True.
    """
    known = PayloadFingerprint.parse(fingerprint)
    if known is None and torrent:
        known = compare_with_torrent(path, fingerprint, torrent, cancelled=cancelled, names=names)
    try:
        found = take_inventory(path)
        if known is None or not known.intact_or_unread(found):
            return None
        if known.form == found.form:
            return found
        # Its shape shows that no wanted file is missing.
        if (
            torrent
            and _holds(path, torrent, names, cancelled, partly=True)
            and take_inventory(path).form == found.form
        ):
            return found
    except (OSError, Changed):
        pass
    return None


def _assumed_shape(inventory: Inventory, torrent: Torrent) -> str:
    """Return the present shape of a payload that an earlier version has delivered, if it looks untouched.

    That is: the torrent's files and their folders, nothing else, with the modes that we make: one for all files, which
    the user can read and write and none can execute.
    """
    files, folders = _places(torrent)
    modes = {entry.mode for entry in inventory.entries if stat.S_ISREG(entry.kind)}
    ours = len(modes) == 1 and all(mode & 0o600 == 0o600 and not mode & _EXECUTABLE for mode in modes)
    plain = all(
        entry.kind == (stat.S_IFREG if entry.parts in files else stat.S_IFDIR) and not entry.more
        for entry in inventory.entries
    )
    known = {entry.parts for entry in inventory.entries} <= files | folders
    return inventory.shape if ours and plain and known else ""
