"""Which entries of a drop folder are nobody's business: temporary names and what ``.tuishareignore`` lists.

Owns the default patterns and the reading of that file (gitignore syntax). Must not look at anything else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

from tuishare.errors import BadConfiguration, NotFound
from tuishare.fs.atomic import read_limited

IGNORE_FILE: Final = ".tuishareignore"
_MAX_SIZE: Final = 256 * 1024

TEMPORARY: Final = (
    "/.*",  # hidden entries; inside a folder they belong to it
    "*~",
    "~$*",
    "*.tmp",
    "*.part",
    "*.partial",
    "*.crdownload",
    "*.download",
    "*.!qB",
    "*.!ut",
    "*.aria2",
    "*.swp",
    "Thumbs.db",
    "desktop.ini",
    "lost+found/",
)


class IgnoreRules:
    """The patterns of one drop folder."""

    def __init__(self, spec: GitIgnoreSpec) -> None:
        self._spec = spec

    def __call__(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        """Say whether a path below the drop folder is left out."""
        return self._spec.match_file("/".join(parts) + ("/" if is_folder else ""))

    def below(self, entry: str) -> IgnoreRules:
        """The same patterns for a walk that starts at one entry."""
        return _Below(self._spec, entry)


class _Below(IgnoreRules):
    def __init__(self, spec: GitIgnoreSpec, entry: str) -> None:
        super().__init__(spec)
        self._entry = entry

    def __call__(self, parts: tuple[str, ...], is_folder: bool) -> bool:
        return super().__call__((self._entry, *parts), is_folder)


def read_ignore_rules(folder: Path) -> IgnoreRules:
    """Read the patterns of a drop folder; its own come after ours, so that ``!name`` takes one back.

    Cheap to call often: a list that has not changed is not read again.

    Raises:
        BadConfiguration: a line of the file is not a pattern. Nothing is guessed then: somebody wanted to keep
            something back, and nobody knows what.
        SystemFailed: the file is there but cannot be read.
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
                hint="Correct it; the lines are written as in a .gitignore.",
            )
    return IgnoreRules(GitIgnoreSpec.from_lines([*TEMPORARY, *own]))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


DEFAULTS: Final = IgnoreRules(GitIgnoreSpec.from_lines(TEMPORARY))
"""What is left out while the list of a drop folder cannot be read."""
