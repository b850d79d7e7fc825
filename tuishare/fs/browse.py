"""Looking around on this machine's disks: what a folder holds, and how much lies below a path.

Owns both, within bounds of number and time. Reads names and sizes, never contents. Blocks: call it in a thread.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.errors import BadInput, NotFound, TuishareError, from_os_error

MOST_LISTED: Final = 2_000
"""Entries of one folder in a listing."""

MOST_SCANNED: Final = 10_000
"""Entries of one folder that are looked at for a listing."""

MOST_COUNTED: Final = 100_000
"""Files after which a count ends; reading so many sizes takes about a second."""


class Deadline:
    """Ends a look at the disk: after some seconds, or as soon as it is cancelled. Any thread may do either.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._cancelled = False

    def cancel(self) -> None:
        """End it now."""
        self._cancelled = True

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._cancelled or time.monotonic() >= self._end


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """One name in a folder; a link to a folder counts as a folder."""

    name: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """What a folder holds.

    Attributes:
        path: absolute path of the folder.
        entries: folders first, each kind in alphabetical order.
        whole: nothing is left out.
    """

    path: str
    entries: tuple[ListedEntry, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a file or folder is.

    Attributes:
        files: number of regular files.
        size: bytes in them.
        whole: all was counted; otherwise there is more.
    """

    files: int
    size: int
    whole: bool = True


def to_absolute(text: str) -> Path:
    """Return the path that a user typed, which may begin with ``~``, without following links.

    Raises:
        BadInput: it is relative, or the user after ``~`` does not exist.
    """
    path = os.path.expanduser(text)
    if not os.path.isabs(path):
        raise BadInput("The path is not absolute", hint="Begin with / or ~.")
    return Path(os.path.abspath(path))


def list_folder(
    path: Path, deadline: Deadline, *, start: str = "", folders_only: bool = False, nearest: bool = False
) -> ListedFolder:
    """List the names in a folder that begin with `start`.

    Args:
        path: of the folder; links are followed.
        deadline: ends it early.
        start: the beginning of the names, case-sensitive.
        folders_only: leave out files.
        nearest: where `path` is not a folder, list the nearest folder above it.

    Raises:
        NotFound: there is no such folder.
        SystemFailed: it cannot be read.
    """
    if nearest:
        path = next((place for place in (path, *path.parents) if os.path.isdir(place)), path)
    entries: list[ListedEntry] = []
    whole = True
    with _explained("list this folder"), os.scandir(path) as found:
        for number, entry in enumerate(found):
            if number >= MOST_SCANNED or deadline.is_over():
                whole = False
                break
            if not entry.name.startswith(start):
                continue
            if not _is_text(entry.name):
                whole = False
                continue
            is_folder = _is_folder(entry)
            if is_folder or not folders_only:
                entries.append(ListedEntry(entry.name, is_folder))
    entries.sort(key=lambda entry: (not entry.is_folder, entry.name.lower(), entry.name))
    return ListedFolder(os.fspath(path), tuple(entries[:MOST_LISTED]), whole and len(entries) <= MOST_LISTED)


def measure(path: Path, deadline: Deadline, most: int = MOST_COUNTED) -> Extent:
    """Count files and bytes; links are not followed.

    Args:
        path: of a file or folder.
        deadline: ends the count early.
        most: files after which the count ends.

    Raises:
        NotFound: nothing exists at `path`.
        BadInput: it is neither a file nor a folder.
        SystemFailed: it cannot be read.
    """
    with _explained("look at this path"):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return Extent(1, status.st_size)
        if not stat.S_ISDIR(status.st_mode):
            raise BadInput("This is neither a file nor a folder", hint="Links and devices are not shared.")
        return _count(path, deadline, most)


def _count(root: Path, deadline: Deadline, most: int) -> Extent:
    files = size = 0
    folders = [os.fspath(root)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if deadline.is_over() or files >= most:
                        return Extent(files, size, whole=False)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        files += 1
                        size += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # removed while we counted
            continue
    return Extent(files, size)


@contextmanager
def _explained(action: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise _explain(error, action) from error


def _explain(error: OSError | ValueError, action: str) -> TuishareError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return NotFound("There is no such file or folder", hint="Check the spelling of the path.")
    return from_os_error(error, action)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # not even its kind may be known
        return False


def _is_text(name: str) -> bool:
    """Whether a name is Unicode; any other cannot travel as JSON, nor be shared."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
