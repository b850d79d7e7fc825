"""Names that every usual file system takes: FAT, exFAT, NTFS and SMB as well as those of Linux and macOS.

Owns the rule, for files that we name ourselves and for names proposed in place of those that a disk refuses. Must not
look at any disk.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from tuishare.sanitize import is_unseen

LONGEST_NAME: Final = 255
"""Bytes of UTF-8: ext4, XFS, btrfs and tmpfs; FAT, exFAT and NTFS take 255 units of UTF-16, which is more."""
_REFUSED: Final = frozenset('\\/:*?"<>|')
"""exFAT 7.7.3 and NTFS."""
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)
"""Names of devices in Windows, with any suffix."""


def portable_name(name: str, *, room: int = LONGEST_NAME) -> str:
    """Return the nearest name that every usual file system takes.

    Args:
        name: of a file or folder; not UTF-8 where it has surrogates.
        room: bytes that it may take, at least 16. The end of a longer name is cut off, but not its suffix.

    Returns:
        The name with ``_`` in place of each character that a file system refuses or that is unseen, and of blanks and
        dots at its end; never empty, ``.`` or ``..``.
    """
    spelled = "".join("_" if letter in _REFUSED or is_unseen(letter) else letter for letter in name)
    whole = _shorten(_DEVICES.sub(r"\1_", spelled, count=1), room)
    kept = whole.rstrip(". ")
    return kept + "_" * (len(whole) - len(kept)) or "_"


def fold_file_name(name: str) -> str:
    """Return the key that a case-insensitive, normalizing file system would compare (Unicode 3.13, definition D145)."""
    if name.isascii():
        return name.lower()
    once = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFD", once)


def is_portable(name: str) -> bool:
    """Return whether every usual file system takes a name as it is."""
    return portable_name(name) == name


def _shorten(name: str, room: int) -> str:
    if len(name.encode()) <= room:
        return name
    stem, dot, suffix = name.rpartition(".")
    tail = (dot + suffix).encode()
    if not stem or len(tail) > room // 2:
        stem, tail = name, b""
    return (stem.encode()[: room - len(tail)] + tail).decode(errors="ignore")
