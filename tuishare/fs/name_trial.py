"""Which names a disk takes, and others for those that it does not.

Owns trying names in a folder and proposing nearby ones, so that nothing is found out by a failed write later. A disk
may refuse a name, change it, or take two for the same. Blocking; files of others are not touched.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from tuishare.errors import DISK_ERRNOS
from tuishare.fs.portable_names import fold_file_name, is_portable, portable_name

_ALWAYS_TAKEN: Final = 143
"""Bytes of a name that even an encrypting file system (eCryptfs) takes."""
_FALLBACK: Final = 60
_Path = tuple[str, ...]


def choose_local_paths(folder: Path, paths: Iterable[_Path]) -> dict[_Path, _Path]:
    """Return paths to use in place of those that the disk of a folder does not take as they are.

    Args:
        folder: an existing folder on that disk, in which names are tried and removed again.
        paths: of files and folders, as components; no two are the same.

    Returns:
        By path, the one to use: all different, also for a disk that ignores case. Others are used as they are.

    Raises:
        OSError: the disk is full, read-only or failing, or takes none of the proposals either.
    """
    wanted = list(paths)
    if not _is_doubtful({name for path in wanted for name in path}):
        return {}
    children: dict[_Path, dict[str, None]] = defaultdict(dict)
    for path in wanted:
        for depth, name in enumerate(path):
            children[path[:depth]][name] = None
    here: dict[_Path, _Path] = {(): ()}
    with _trial_folder(folder) as trial:
        for parent in sorted(children, key=len):
            chosen = _choose(trial, children[parent])
            here.update({(*parent, name): (*here[parent], chosen[name]) for name in chosen})
    return {path: here[path] for path in wanted if here[path] != path}


def _is_doubtful(names: set[str]) -> bool:
    """Return whether a disk may refuse one of these names, or take two for the same."""
    return len(set(map(fold_file_name, names))) < len(names) or not all(map(_is_safe, names))


def _is_safe(name: str) -> bool:
    return is_portable(name) and len(name.encode()) <= _ALWAYS_TAKEN


def _choose(trial: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the name to use for each name of one folder."""
    twins: dict[str, list[str]] = defaultdict(list)
    for name in names:
        twins[fold_file_name(name)].append(name)
    doubtful = [name for group in twins.values() for name in group if len(group) > 1 or not _is_safe(name)]
    refused = set(doubtful) - _try(trial, doubtful)
    chosen = {name: name for name in names if name not in refused}
    taken = set(map(fold_file_name, chosen))
    for name in sorted(refused):
        chosen[name] = _propose(trial, name, taken)
        taken.add(fold_file_name(chosen[name]))
    return chosen


def _propose(trial: Path, name: str, taken: set[str]) -> str:
    """Return a free name that the disk takes, as near to a refused one as possible."""
    plain = re.sub(r"[^\x20-\x7e]", "_", name)
    for nearest in (portable_name(name, room=_ALWAYS_TAKEN), portable_name(plain, room=_FALLBACK)):
        stem, dot, suffix = nearest.rpartition(".")
        if not stem:
            stem, dot, suffix = nearest, "", ""
        numbered = (f"{stem} ({number}){dot}{suffix}" for number in itertools.count(2))
        free = next(
            each for each in itertools.chain([nearest], numbered) if fold_file_name(each) not in taken
        )
        if _try(trial, [free]):
            return free
    raise OSError(errno.EINVAL, "the disk takes neither this name nor a similar one", name)


def _try(trial: Path, names: list[str]) -> set[str]:
    """Return which of these names the disk takes, beside each other and unchanged.

    Raises:
        OSError: it can write nothing now, whatever the name.
    """
    for name in names:
        try:
            os.close(os.open(trial / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError as error:
            if error.errno in DISK_ERRNOS:
                raise
    made = os.listdir(trial)
    for name in made:
        (trial / name).unlink()
    return set(names).intersection(made)


@contextlib.contextmanager
def _trial_folder(folder: Path) -> Iterator[Path]:
    made = Path(mkdtemp(prefix=".tuishare-names-", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
