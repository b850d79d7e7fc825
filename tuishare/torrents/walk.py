"""Listing of the files to share below a path, without following symlinks (threat T15).

Owns listing, not reading: it opens folders only. Every step uses the descriptor of the parent folder, so a folder
replaced by a symlink during the walk is not followed. Anything but regular files and folders is skipped and reported;
what a recipient's policy would refuse is an error.
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
from tuishare.fs.portable_names import portable_name
from tuishare.sanitize import for_display
from tuishare.torrents.errors import Changed
from tuishare.torrents.path_rules import Parts, component_fault, tree_fault
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, TorrentLimits

Ignore: TypeAlias = Callable[[Parts, bool], bool]
"""Called for each entry below the root with its path and whether it is a folder; True skips it without a report."""

_EXECUTABLE = 0o111
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FileEntry(msgspec.Struct, frozen=True, gc=False):
    """A regular file found by the walk; the reader compares all attributes again.

    Attributes:
        parts: path below the root; if the root is a file, just its name.
        size: bytes.
        mtime_ns: time of the last write, ns since the epoch; any program may reset it.
        inode: its number on `device`.
        device: the file system; the number is valid until it is mounted again.
        ctime_ns: time of the last change of content, mode, name or links, ns since the epoch; only the kernel sets it.
        is_executable: whether a user may execute it, which a torrent does not say.
    """

    parts: Parts
    size: int
    mtime_ns: int
    inode: int
    device: int
    ctime_ns: int
    is_executable: bool = False

    @property
    def is_zeros(self) -> bool:
        """Whether no file stands for it: a padding file (BEP 47), which has only a size."""
        return not self.parts


def zeros(size: int) -> FileEntry:
    """Return the entry for a padding file of a v1 torrent; `size` in bytes."""
    return FileEntry((), size, 0, 0, 0, 0)


class Skipped(msgspec.Struct, frozen=True, gc=False):
    """An entry that cannot be shared: its path below the root and the reason, e.g. ``symbolic link``."""

    parts: Parts
    reason: str


class Tree(msgspec.Struct, frozen=True):
    """The result of a walk; equal trees have the same names, sizes, times and inodes.

    Attributes:
        root: absolute path of the file or folder.
        name: its last component, the name of the torrent.
        is_folder: whether `root` is a folder.
        files: in the order of a v2 file tree: sorted by the UTF-8 bytes of their components.
        skipped: entries left out without having been ignored, in the same order.
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
    """List everything below `path`.

    Args:
        path: a regular file or a folder; it must not be a symlink, its parents may be.
        ignore: skips entries, and folders with their content.
        limits: of our policy.

    Raises:
        NotFound: `path` does not exist.
        BadInput: `path` is a symlink or a special file, there is nothing to share, or a name, the number or the size
            exceeds a limit.
        SystemFailed: a file or folder cannot be read.
        Changed: an entry vanished during the walk.
    """
    root = _absolute(path)
    try:
        status = os.lstat(root)
    except OSError as error:
        raise from_os_error(error, f"share {for_display(str(root))}") from error
    if stat.S_ISDIR(status.st_mode):
        found = _Collector(ignore or _nothing, limits)
        with _opened(str(root), None, root.name) as folder:
            found.scan(folder, ())
    elif reason := _special(status.st_mode):
        raise BadInput(
            f"Cannot share “{for_display(root.name)}”: it is a {reason}",
            hint="Only regular files and folders are shared.",
        )
    else:
        found = _Collector(_nothing, limits)
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
    """Make `path` absolute without resolving a symlink as its last component."""
    root = path.resolve() if path.name in {"", ".."} else path.absolute()
    if not root.name:
        raise BadInput("The root of the file system cannot be shared", hint="Name a file or a folder.")
    return root


def _check(tree: Tree, limits: TorrentLimits) -> None:
    shown = for_display(tree.name)
    if not tree.files:
        raise BadInput(
            f"There is nothing to share in “{shown}”", hint="It has no regular files, or all are ignored."
        )
    if fault := tree_fault(tree.name, (entry.parts for entry in tree.files), limits):
        raise BadInput(f"Cannot share “{shown}”: {fault}", hint=_rename_hint(tree, limits))
    if tree.total_size == 0:
        raise BadInput(f"There is nothing to share in “{shown}”", hint="A torrent needs at least one byte.")
    if tree.total_size > limits.max_total_size:
        raise BadInput(f"“{shown}” is larger than {limits.max_total_size} bytes", hint="Share it in parts.")


def _rename_hint(tree: Tree, limits: TorrentLimits) -> str:
    """Return what to do about a name: a hidden character cannot be seen, so another name is proposed."""
    for name in (tree.name, *(name for entry in tree.files for name in entry.parts)):
        if component_fault(name, limits):
            proposal = for_display(portable_name(name, room=limits.max_component_bytes))
            return f"Rename it, for example to “{proposal}”: recipients would refuse it."
    return "Rename it: recipients would refuse it."


def _raw(entry: FileEntry) -> tuple[bytes, ...]:
    return tuple(map(os.fsencode, entry.parts))


def _special(mode: int) -> str | None:
    """Return the kind of a special file, or None for a regular file."""
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
    """Open a folder that must not be a symlink, and close it at the end."""
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        raise _fault_of(error, shown) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _fault_of(error: OSError, shown: str) -> TuishareError:
    """Distinguish an entry that moved during the walk from one that cannot be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
        return Changed(
            f"“{for_display(shown)}” changed while it was read", hint="Wait until no program writes to it."
        )
    return from_os_error(error, f"read “{for_display(shown)}”")


class _Collector:
    """Collects the entries of a walk; stops at the limits, so that a huge or endless folder costs little."""

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
                parts,
                status.st_size,
                status.st_mtime_ns,
                status.st_ino,
                status.st_dev,
                status.st_ctime_ns,
                bool(status.st_mode & _EXECUTABLE),
            )
        )

    def scan(self, folder: int, above: Parts) -> None:
        """Walk an open folder and its subfolders."""
        if len(above) == self._limits.max_depth:
            raise BadInput(
                f"“{for_display('/'.join(above))}” is nested deeper than {self._limits.max_depth} folders",
                hint="Share a folder further down.",
            )
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            raise _fault_of(error, "/".join(above)) from error
        if not entries and above:
            self.skipped.append(Skipped(above, "empty folder"))
        for entry in entries:
            self._scan_entry(entry, folder, (*above, entry.name))

    def _scan_entry(self, entry: os.DirEntry[str], folder: int, parts: Parts) -> None:
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
                self.scan(inner, parts)
        elif reason := _special(status.st_mode):
            self.skipped.append(Skipped(parts, reason))
        else:
            readable = os.access(
                entry.name, os.R_OK, dir_fd=folder, effective_ids=True, follow_symlinks=False
            )
            _require_readable(shown, readable)
            self.add(parts, status)
