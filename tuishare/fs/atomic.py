"""Atomic writes and moves that survive a crash or a power cut.

Owns publishing, moving into place, free names and temporary names. Must not know what files hold.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from tuishare.errors import BadInput, SystemFailed, from_os_error
from tuishare.fs.fsync import fsync_folder
from tuishare.fs.portable_names import LONGEST_NAME, portable_name
from tuishare.sanitize import for_display

TEMPORARY_PREFIX = ".tuishare-"


TEMPORARY_SUFFIX = ".tmp"


ENVELOPE_SUFFIX = ".torrent.encrypted"
"""Suffix of every envelope's name."""


def make_private(folder: Path) -> None:
    """Create a folder (and its parents) with mode 0700; an existing folder is left unchanged.

    Raises:
        SystemFailed: it cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, f"make the folder {folder}") from error


def publish(path: Path, data: bytes, *, mode: int = 0o600, replace: bool = True, secret: bool = True) -> None:
    """Write a file atomically: readers see the old content or all of the new, also after a power cut.

    Args:
        path: of the file; its folder must exist.
        data: its whole content.
        mode: permission bits, set before the name appears.
        replace: whether an existing file may be replaced.
        secret: whether it must not be written where other users could read it, because the file system (FAT, exFAT,
            many SMB mounts) has no permissions.

    Raises:
        FileExistsError: ``replace`` is false and the name is taken.
        SystemFailed: the file cannot be written; no temporary file remains.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    try:
        with _removed_on_failure(temporary):
            _write_synced(temporary, data, mode, secret=secret)
            if replace:
                temporary.replace(path)
            else:
                _move_file(temporary, path)
                _announce(path)
        fsync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise from_os_error(error, f"write {path}") from error


@contextlib.contextmanager
def exclusive_edit(path: Path) -> Iterator[None]:
    """Lock a file against other writers for one block; readers need no lock, because `publish` is atomic.

    The lock is a separate file, since publishing replaces the file itself. The lock file is never removed: another
    process might have locked it just before.

    Args:
        path: of the file; its folder must exist.

    Raises:
        SystemFailed: the lock file cannot be opened.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os_error(error, f"open {lock}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the temporary files that interrupted calls of `publish` left in a folder."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)


def envelope_name(payload: str) -> str:
    """Return the name for the envelope of a payload: it has to pass over sticks, mail and Windows.

    There is room for a number before its suffix.
    """
    return portable_name(payload, room=LONGEST_NAME - len(ENVELOPE_SUFFIX) - len(" (9999)")) + ENVELOPE_SUFFIX


def free_name(folder: Path, name: str) -> Path:
    """Return an unused path in the folder: ``name``, else ``stem (2).suffix`` and so on.

    The number goes before the whole suffix ``.torrent.encrypted``; a stem too long for a number is truncated.
    """
    if not os.path.lexists(folder / name):
        return folder / name
    suffix = ENVELOPE_SUFFIX if name.endswith(ENVELOPE_SUFFIX) else Path(name).suffix
    stem = name.removesuffix(suffix)
    for number in itertools.count(2):
        tail = f" ({number}){suffix}"
        room = LONGEST_NAME - len(os.fsencode(tail))
        candidate = folder / (os.fsencode(stem)[:room].decode(errors="ignore") + tail)
        if not os.path.lexists(candidate):
            return candidate
    raise AssertionError("there is always a greater number")


def require_text(path: str | Path) -> None:
    """Check that a path can be written to messages and settings, and passed to libtorrent.

    Raises:
        BadInput: it is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadInput(f"The name {for_display(str(path))} is not UTF-8", hint="Rename it first.") from None


def choose_place(source: Path, folder: Path) -> Path:
    """Return the path in a folder to move a file to: where an interrupted move has linked it already, or a free one.

    Raises:
        OSError: the file is gone, or the folder cannot be read.
    """
    status = source.lstat()
    if status.st_nlink > 1:
        with os.scandir(folder) as entries:
            for entry in entries:
                if os.path.samestat(entry.stat(follow_symlinks=False), status):
                    return Path(entry.path)
    return free_name(folder, source.name)


def move_into_place(source: Path, target: Path) -> None:
    """Move a file or folder to an unused name on the same file system, durably.

    The move is atomic and replaces nothing but an empty folder. Calling it again after a crash finishes the move.

    Raises:
        FileExistsError: the name is taken.
        SystemFailed: the move failed.
    """
    try:
        if not os.path.lexists(source) and os.path.lexists(target):
            return
        if source.is_dir() and not source.is_symlink():
            _move_folder(source, target)
        else:
            _move_file(source, target)
        fsync_folder(target.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise from_os_error(error, f"move {source} to {target}") from error


def _move_folder(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        # rename(2): the target is a file, or a folder that is not empty.
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise FileExistsError(error.errno, error.strerror, str(target)) from error
        raise


def _move_file(source: Path, target: Path) -> None:
    """Link the file to its new name, then unlink the old one: unlike rename(2), link(2) never replaces a file."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(source.lstat(), target.lstat()):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: reserve the name with an empty file, then replace that.
        target.touch(mode=0o600, exist_ok=False)
        source.rename(target)
        return
    source.unlink()


_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_NO_MODES = {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS}
"""Errors of file systems without hard links (link(2)), and without permissions (chmod(2))."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_limited(path: Path, limit: int) -> bytes:
    """Read a whole regular file of at most ``limit`` bytes, without following a symlink.

    Raises:
        NotFound: it does not exist.
        SystemFailed: it is not a regular file, is longer than ``limit``, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SystemFailed(f"Cannot read {path}: it is not a regular file", hint="Name the file itself.")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise from_os_error(error, f"read {path}") from error
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise SystemFailed(f"Cannot read {path}: it is larger than the limit of {limit:,} bytes")
    return data


def _write_synced(path: Path, data: bytes, mode: int, *, secret: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        try:
            os.fchmod(file.fileno(), mode)
        except OSError as error:
            if error.errno not in _NO_MODES:
                raise
        # Some file systems refuse to change the mode, others only do as if.
        if secret and os.fstat(file.fileno()).st_mode & ~mode & _OTHERS:
            raise SystemFailed(
                f"Cannot write a secret to {path.parent}: that disk has no permissions, so other users could read it",
                hint="Keep secrets on another disk; only envelopes and payloads may be there.",
            )
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _announce(path: Path) -> None:
    """Close a file after opening it for writing: a watcher of its folder learns that it is complete (inotify(7)).

    A new link alone looks like a file that is being written.
    """
    with contextlib.suppress(FileNotFoundError):  # taken already
        os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC))


@contextlib.contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
