"""Ignore rules of a drop folder: hidden entries, temporary names, and the patterns of its ``.tuishareignore``.

Owns reading that file (gitignore syntax), and that its patterns take precedence. Must not read anything else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

from tuishare.agent.folders.temporary_names import is_temporary
from tuishare.errors import BadConfiguration, NotFound
from tuishare.fs.atomic import read_limited

IGNORE_FILE: Final = ".tuishareignore"
_MAX_SIZE: Final = 256 * 1024


class IgnoreRules:
    """The ignore rules of one drop folder."""

    def __init__(self, spec: GitIgnoreSpec) -> None:
        self._spec = spec

    def __call__(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        """Return whether a path below the drop folder is ignored."""
        own = self._spec.check_file("/".join(parts) + ("/" if is_folder else "")).include
        return _is_ignored(parts, is_folder) if own is None else own

    def has_pattern(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        """Return whether the user's own patterns decide about a path below the drop folder."""
        return self._spec.check_file("/".join(parts) + ("/" if is_folder else "")).include is not None

    def below(self, entry: str) -> IgnoreRules:
        """Return the same rules for a walk that starts at one entry."""
        return _Below(self._spec, entry)


class _Below(IgnoreRules):
    def __init__(self, spec: GitIgnoreSpec, entry: str) -> None:
        super().__init__(spec)
        self._entry = entry

    def __call__(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        return super().__call__((self._entry, *parts), is_folder)

    def has_pattern(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        return super().has_pattern((self._entry, *parts), is_folder)


def _is_ignored(parts: tuple[str, ...], is_folder: bool) -> bool:
    """Return whether a path is ignored without own patterns; hidden names inside an entry belong to it."""
    *folders, name = parts
    return (
        parts[0].startswith(".")
        or is_temporary(name, is_folder=is_folder)
        or any(is_temporary(folder, is_folder=True) for folder in folders)
    )


def read_ignore_rules(folder: Path) -> IgnoreRules:
    """Read the ignore rules of a drop folder; ``!name`` in it undoes a default.

    Cheap to call often: an unchanged file is not read again.

    Raises:
        BadConfiguration: a line of the file is not a pattern, so it is unknown what the user wants to hold back.
        SystemFailed: the file exists but cannot be read.
    """
    path = folder / IGNORE_FILE
    try:
        status = path.lstat()
    except OSError:
        return _read(path, ())
    return _read(path, (status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=64)
def _read(path: Path, _stamp: tuple[int, ...]) -> IgnoreRules:
    try:
        own = read_limited(path, _MAX_SIZE).decode(errors="replace").splitlines()
    except NotFound:
        own = []
    for number, line in enumerate(own, 1):
        if not _is_pattern(line):
            raise BadConfiguration(
                f"{path}: line {number} is not a pattern",
                hint="Correct it; the syntax is that of a .gitignore file.",
            )
    return IgnoreRules(GitIgnoreSpec.from_lines(own))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


DEFAULTS: Final = IgnoreRules(GitIgnoreSpec.from_lines(()))
"""The rules while those of a drop folder cannot be read."""
