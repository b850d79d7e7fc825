"""Rejected envelopes: kept in ``inbox/rejected`` with the reason beside each, as many as the settings allow.

Owns the files in that folder. Blocking: call it on a thread. Must not decide what is rejected.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.errors import TuishareError
from tuishare.fs.atomic import choose_place, move_into_place, publish

REJECTED: Final = "rejected"
REASON_SUFFIX: Final = ".reason.txt"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A rejected file with its reason: when the reason was written, and the bytes of both."""

    note: Path
    envelope: Path
    at: int
    size: int


def put_away(path: Path, error: TuishareError) -> Path:
    """Move a file into the folder ``rejected`` beside it; the reason is written first, for the case of a crash.

    Returns:
        Its new path.

    Raises:
        OSError, TuishareError: the file system refused, or the file is gone.
    """
    folder = path.parent / REJECTED
    folder.mkdir(exist_ok=True)
    target = choose_place(path, folder)
    reason = f"{error.title}: {error.detail}\n{error.hint}\n".rstrip() + "\n"
    note = target.with_name(target.name + REASON_SUFFIX)
    publish(note, reason.encode())
    try:
        move_into_place(path, target)
    except BaseException:
        note.unlink(missing_ok=True)
        raise
    return target


def prune(folder: Path, number: int, size: int) -> list[str]:
    """Remove the oldest files with their reasons until the rest is within bounds; the newest always stays.

    Files without a reason were put there by the user and are left alone, and so are folders.

    Args:
        folder: ``inbox/rejected``.
        number: how many may stay; 0: all.
        size: bytes that may stay; 0: no bound.

    Returns:
        The names of what was removed.

    Raises:
        OSError: the file system refused.
    """
    kept = sorted(_list(folder), key=lambda each: each.at)
    count, total = len(kept), sum(each.size for each in kept)
    removed: list[str] = []
    for oldest in kept[:-1]:
        if (not number or count <= number) and (not size or total <= size):
            break
        oldest.envelope.unlink(missing_ok=True)
        oldest.note.unlink(missing_ok=True)
        removed.append(oldest.envelope.name)
        count, total = count - 1, total - oldest.size
    return removed


def _list(folder: Path) -> list[_Kept]:
    found = []
    for name in os.listdir(folder):
        if not name.endswith(REASON_SUFFIX):
            continue
        note, envelope = folder / name, folder / name.removesuffix(REASON_SUFFIX)
        if envelope.is_dir() and not envelope.is_symlink():
            continue
        with contextlib.suppress(FileNotFoundError):
            status = note.stat(follow_symlinks=False)
            size = envelope.lstat().st_size if os.path.lexists(envelope) else 0
            found.append(_Kept(note, envelope, status.st_mtime_ns, status.st_size + size))
    return found
