"""Files that appear whole or not at all, also after a crash or a power cut.

Owns publishing, moving into place, free names and temporary ones. Must not know what files hold.
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
from tuishare.sanitize import for_display

TEMPORARY_PREFIX = ".tuishare-"


TEMPORARY_SUFFIX = ".tmp"


ENVELOPE_SUFFIX = ".torrent.encrypted"
"""How the name of every envelope ends."""


_NAME_LIMIT = 255  # bytes, ext4, XFS, btrfs and tmpfs alike


def make_private(folder: Path) -> None:
    """Make a folder (and its parents) that only we may enter; an existing one is left as it is.

    Raises:
        SystemFailed: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, f"make the folder {folder}") from error


def publish(path: Path, data: bytes, *, mode: int = 0o600, replace: bool = True) -> None:
    """Write a file so that readers see the old one or the whole new one, also after a power cut.

    Args:
        path: where it shall be; its folder exists.
        data: all of its bytes.
        mode: permission bits, set before the name appears.
        replace: whether an existing file may be replaced.

    Raises:
        FileExistsError: ``replace`` is false and the name is taken.
        SystemFailed: the file system refused; nothing is left behind.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    try:
        with _removed_on_failure(temporary):
            _write_synced(temporary, data, mode)
            if replace:
                temporary.replace(path)
            else:
                os.link(temporary, path)
                temporary.unlink()
        fsync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise from_os_error(error, f"write {path}") from error


@contextlib.contextmanager
def edited_alone(path: Path) -> Iterator[None]:
    """Hold off everybody else who edits a file, for one block; readers need not wait, because of `publish`.

    The lock is on a file beside it, since publishing puts another file in its place. It stays behind, empty: whoever
    removed it might remove the one that somebody else has just locked.

    Args:
        path: the file; its folder exists.

    Raises:
        SystemFailed: the file system refused.
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
    """Remove what an interrupted `publish` left in a folder."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
        leftover.unlink(missing_ok=True)


def free_name(folder: Path, name: str) -> Path:
    """Find a path in the folder that nothing has yet: ``name``, else ``stem (2).suffix`` and so on.

    The number stands before the whole suffix of a ``.torrent.encrypted``; a stem too long for a number is cut.
    """
    if not os.path.lexists(folder / name):
        return folder / name
    suffix = ENVELOPE_SUFFIX if name.endswith(ENVELOPE_SUFFIX) else Path(name).suffix
    stem = name.removesuffix(suffix)
    for number in itertools.count(2):
        tail = f" ({number}){suffix}"
        room = _NAME_LIMIT - len(os.fsencode(tail))
        candidate = folder / (os.fsencode(stem)[:room].decode(errors="ignore") + tail)
        if not os.path.lexists(candidate):
            return candidate
    raise AssertionError("there is always a greater number")


def require_text(path: str | Path) -> None:
    """Make sure that a path can stand in a message and in the settings, and that libtorrent can be told of it.

    Raises:
        BadInput: it is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadInput(f"The name {for_display(str(path))} is not UTF-8", hint="Rename it first.") from None


def choose_place(source: Path, folder: Path) -> Path:
    """Find the path in a folder where a file is to go: the one that an interrupted move has given it, or a free one.

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
    """Move a file or folder to a name that nothing has, durably; both are on one file system.

    The name appears with the whole content behind it, and nothing that exists is ever replaced (an empty folder aside,
    which holds nothing). Calling it again after a crash finishes the move.

    Raises:
        FileExistsError: something else has the name.
        SystemFailed: the file system refused.
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
        # rename(2): a file, or a folder that holds something, is in the way.
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise FileExistsError(error.errno, error.strerror, str(target)) from error
        raise


def _move_file(source: Path, target: Path) -> None:
    """Give the file its second name and take the first one away; unlike a rename, a link never replaces."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(source.lstat(), target.lstat()):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: an empty file takes the name, and is replaced.
        target.touch(mode=0o600, exist_ok=False)
        source.rename(target)
        return
    source.unlink()


_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def read_limited(path: Path, limit: int) -> bytes:
    """Read a whole regular file, never more than ``limit`` bytes and never through a link.

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


def _write_synced(path: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
