"""Reading of payload files, if they are still the ones that the walk found (threat T15).

Owns opening and reading, must not interpret the bytes. A `Source` belongs to one thread.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Self

from tuishare.errors import SystemFailed, from_os_error
from tuishare.sanitize import for_display
from tuishare.torrents.errors import Changed
from tuishare.torrents.path_rules import Parts
from tuishare.torrents.walk import FileEntry, Tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BASE = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Source:
    """Opens the files of a tree through a chain of folder descriptors, without following symlinks.

    The chain of the last file is kept, so that further files of one folder cost one open each. O_NONBLOCK: opening a
    pipe in a file's place must not block.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._chain: list[tuple[str, int]] = []
        base = tree.root if tree.is_folder else tree.root.parent
        try:
            self._base = os.open(base, _BASE | (os.O_NOFOLLOW if tree.is_folder else 0))
        except OSError as error:
            raise _fault_of(error, tree.name) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all descriptors of folders."""
        self._shorten(0)
        os.close(self._base)

    def open(self, entry: FileEntry) -> int:
        """Open a file and check that it is the one the walk found; the caller must pass the descriptor to `close`.

        Raises:
            Changed: it was replaced or removed.
            SystemFailed: it cannot be read.
        """
        try:
            descriptor = os.open(entry.parts[-1], _FILE, dir_fd=self._folder(entry.parts[:-1]))
        except OSError as error:
            raise _fault_of(error, "/".join(entry.parts)) from error
        try:
            _check(descriptor, entry)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _folder(self, folders: Parts) -> int:
        """Return the descriptor of a folder below the base; reuse the common part of the chain."""
        common = 0
        for (name, _), wanted in zip(self._chain, folders, strict=False):
            if name != wanted:
                break
            common += 1
        if common < len(self._chain):
            self._shorten(common)
        for name in folders[common:]:
            self._chain.append((name, os.open(name, _FOLDER, dir_fd=self._last())))
        return self._last()

    def _last(self) -> int:
        return self._chain[-1][1] if self._chain else self._base

    def _shorten(self, length: int) -> None:
        while len(self._chain) > length:
            os.close(self._chain.pop()[1])


def close(descriptor: int, entry: FileEntry) -> None:
    """Close a file after it was read.

    Raises:
        Changed: it was written to in the meantime.
    """
    try:
        _check(descriptor, entry)
    finally:
        os.close(descriptor)


def _check(descriptor: int, entry: FileEntry) -> None:
    """Compare an open file with the result of the walk."""
    status = os.fstat(descriptor)
    if (
        not stat.S_ISREG(status.st_mode)
        or status.st_size != entry.size
        or status.st_mtime_ns != entry.mtime_ns
        or status.st_ctime_ns != entry.ctime_ns
        or status.st_ino != entry.inode
        or status.st_dev != entry.device
    ):
        raise _changed("/".join(entry.parts))


def read_into(descriptor: int, entry: FileEntry, view: memoryview, offset: int) -> None:
    """Fill `view` with the bytes of an open file from `offset` on.

    Raises:
        Changed: the file ends earlier.
        SystemFailed: the disk failed.
    """
    done = 0
    while done < len(view):
        try:
            count = os.preadv(descriptor, [view[done:] if done else view], offset + done)
        except OSError as error:
            raise _fault_of(error, "/".join(entry.parts)) from error
        if count == 0:
            raise _changed("/".join(entry.parts))
        done += count


def _changed(shown: str) -> Changed:
    return Changed(
        f"“{for_display(shown)}” changed while it was read", hint="Wait until no program writes to it."
    )


def _fault_of(error: OSError, shown: str) -> Changed | SystemFailed:
    """Distinguish a file that was moved or replaced from one that cannot be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}:
        return _changed(shown)
    fault = from_os_error(error, f"read “{for_display(shown)}”")
    return SystemFailed(fault.detail, hint=fault.hint, errno=error.errno or 0)
