"""Finds out what there is to share below one path, without following any link (threat T15).

Owns looking, not reading: it opens folders only. Every step goes through the descriptor of the folder above, so that
a folder exchanged for a link while we walk leads nowhere. Whatever is not a regular file or a folder is left out and
reported; what our own policy would refuse on the other side is an error here.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec

from tuishare.errors import BadInput, SystemFailed, TuishareError, from_os_error
from tuishare.sanitize import for_display
from tuishare.torrents.errors import Changed
from tuishare.torrents.path_rules import Parts, tree_fault
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, TorrentLimits

Ignore: TypeAlias = Callable[[Parts, bool], bool]
"""Asked for each entry below the root with its path and whether it is a folder; True leaves it out unreported."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FileEntry(msgspec.Struct, frozen=True, gc=False):
    """A regular file as the walk saw it; the reader compares all of it again.

    Attributes:
        parts: path below the root; for a root that is itself a file just its name.
        size: bytes.
        mtime_ns: time of the last write, ns since the epoch; whoever writes may put it back.
        inode: its number on `device`.
        device: the file system; the number holds until that is mounted again.
        ctime_ns: time of the last change of content, mode, name or links, ns since the epoch; the kernel alone sets it.
    """

    parts: Parts
    size: int
    mtime_ns: int
    inode: int
    device: int
    ctime_ns: int


class Skipped(msgspec.Struct, frozen=True, gc=False):
    """Something that cannot be shared: its path below the root and why, e.g. ``symbolic link``."""

    parts: Parts
    reason: str


class Tree(msgspec.Struct, frozen=True):
    """A payload at one moment. Two walks that compare equal saw the same names, sizes, times and inodes.

    Attributes:
        root: absolute path of the file or folder.
        name: its last component, the name of the torrent.
        is_folder: whether `root` is a folder.
        files: in the order of a v2 file tree: sorted by the UTF-8 bytes of their components.
        skipped: what was left out although nobody asked for that, in the same order.
    """

    root: Path
    name: str
    is_folder: bool
    files: tuple[FileEntry, ...]
    skipped: tuple[Skipped, ...]

    @property
    def total_size(self) -> int:
        """Bytes of payload."""
        return sum(entry.size for entry in self.files)


def walk(path: Path, *, ignore: Ignore | None = None, limits: TorrentLimits = DEFAULT_LIMITS) -> Tree:
    """Look at everything below `path`.

    Args:
        path: a regular file or a folder; links above it are followed, it itself must not be one.
        ignore: leaves entries out, folders with all they hold.
        limits: what our own policy would accept.

    Raises:
        NotFound: there is nothing at `path`.
        BadInput: `path` is a link or a special file, nothing is left to share, or a name, the number or the size is
            out of bounds.
        SystemFailed: something cannot be read.
        Changed: something vanished between being listed and being looked at.
    """
    root = _absolute(path)
    try:
        status = os.lstat(root)
    except OSError as error:
        raise from_os_error(error, f"share {for_display(str(root))}") from error
    if stat.S_ISDIR(status.st_mode):
        found = _Findings(ignore or _nothing, limits)
        with _opened(str(root), None, root.name) as folder:
            found.look(folder, ())
    elif reason := _special(status.st_mode):
        raise BadInput(
            f"Cannot share “{for_display(root.name)}”: it is a {reason}",
            hint="Only regular files and folders are shared.",
        )
    else:
        found = _Findings(_nothing, limits)
        found.add((root.name,), status)
        _require_readable(root.name, os.access(root, os.R_OK, effective_ids=True))
    tree = Tree(
        root,
        root.name,
        stat.S_ISDIR(status.st_mode),
        tuple(sorted(found.files, key=_raw)),
        tuple(found.skipped),
    )
    _check(tree, limits)
    return tree


def _nothing(_parts: Parts, _is_folder: bool) -> bool:
    return False


def _absolute(path: Path) -> Path:
    """Make `path` absolute without following a link that it ends in."""
    root = path.resolve() if path.name in {"", ".."} else path.absolute()
    if not root.name:
        raise BadInput("The root of the file system cannot be shared", hint="Name a file or a folder.")
    return root


def _check(tree: Tree, limits: TorrentLimits) -> None:
    shown = for_display(tree.name)
    if not tree.files:
        raise BadInput(
            f"There is nothing to share in “{shown}”", hint="It holds no regular file that is not ignored."
        )
    if fault := tree_fault(tree.name, (entry.parts for entry in tree.files), limits):
        raise BadInput(
            f"Cannot share “{shown}”: {fault}", hint="Rename it; others could not receive it as it is."
        )
    if tree.total_size == 0:
        raise BadInput(f"There is nothing to share in “{shown}”", hint="A torrent needs at least one byte.")
    if tree.total_size > limits.max_total_size:
        raise BadInput(f"“{shown}” is larger than {limits.max_total_size} bytes", hint="Share it in parts.")


def _raw(entry: FileEntry) -> tuple[bytes, ...]:
    return tuple(map(os.fsencode, entry.parts))


def _special(mode: int) -> str | None:
    """Name the kind of a thing that is neither a regular file nor a folder."""
    kinds = {
        stat.S_IFLNK: "symbolic link",
        stat.S_IFIFO: "named pipe",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return None if stat.S_ISREG(mode) else kinds.get(stat.S_IFMT(mode), "special file")


def _require_readable(name: str, readable: bool) -> None:
    if not readable:
        raise SystemFailed(
            f"Cannot read “{for_display(name)}”", hint="Check who owns it and its permissions."
        )


@contextmanager
def _opened(name: str, folder: int | None, shown: str) -> Iterator[int]:
    """Open a folder that must not be a link; the descriptor is closed at the end."""
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        raise _fault_of(error, shown) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _fault_of(error: OSError, shown: str) -> TuishareError:
    """Tell a thing that moved while we looked from one that cannot be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
        return Changed(
            f"“{for_display(shown)}” changed while it was looked at", hint="Wait until nobody writes to it."
        )
    return from_os_error(error, f"read “{for_display(shown)}”")


class _Findings:
    """Collects what a walk finds; stops at the bounds, so that a huge or endless folder costs little."""

    def __init__(self, ignore: Ignore, limits: TorrentLimits) -> None:
        self.files: list[FileEntry] = []
        self.skipped: list[Skipped] = []
        self._ignore = ignore
        self._limits = limits

    def add(self, parts: Parts, status: os.stat_result) -> None:
        if len(self.files) == self._limits.max_files:
            raise BadInput(
                f"There are more than {self._limits.max_files} files to share", hint="Share them in parts."
            )
        self.files.append(
            FileEntry(
                parts, status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev, status.st_ctime_ns
            )
        )

    def look(self, folder: int, above: Parts) -> None:
        """Go through one open folder and those in it."""
        if len(above) == self._limits.max_depth:
            raise BadInput(
                f"“{for_display('/'.join(above))}” is nested deeper than {self._limits.max_depth} folders",
                hint="Share a folder further inside.",
            )
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            raise _fault_of(error, "/".join(above)) from error
        if not entries and above:
            self.skipped.append(Skipped(above, "empty folder"))
        for entry in entries:
            self._look_at(entry, folder, (*above, entry.name))

    def _look_at(self, entry: os.DirEntry[str], folder: int, parts: Parts) -> None:
        shown = "/".join(parts)
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            raise _fault_of(error, shown) from error
        is_folder = stat.S_ISDIR(status.st_mode)
        if self._ignore(parts, is_folder):
            return
        if is_folder:
            with _opened(entry.name, folder, shown) as inner:
                self.look(inner, parts)
        elif reason := _special(status.st_mode):
            self.skipped.append(Skipped(parts, reason))
        else:
            readable = os.access(
                entry.name, os.R_OK, dir_fd=folder, effective_ids=True, follow_symlinks=False
            )
            _require_readable(shown, readable)
            self.add(parts, status)
