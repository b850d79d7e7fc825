"""How much a file or folder is, before it is shared.

Owns the count only, within bounds: it reads names and sizes, never contents, and follows no link. What really is
shared the agent decides, with its own rules about what is left out. Blocks: call it in a thread.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

from tuishare.errors import BadInput, NotFound, from_os_error

MOST: Final = 100_000
"""Files after which counting ends; reading so many sizes takes about a second."""


@dataclass(frozen=True, slots=True)
class PathSize:
    """How much something is.

    Attributes:
        files: number of regular files.
        size: bytes in them.
        whole: all was counted; else there is more.
    """

    files: int
    size: int
    whole: bool = True


def measure(path: Path, stop: Event, most: int = MOST) -> PathSize:
    """Count files and bytes.

    Args:
        path: of a file or folder.
        stop: set from elsewhere, it ends the count early.
        most: files after which the count ends.

    Raises:
        NotFound: there is nothing.
        BadInput: it is neither a file nor a folder.
        SystemFailed: it cannot be read.
    """
    try:
        status = path.lstat()
    except (OSError, ValueError) as error:
        raise _explain(error) from error
    if stat.S_ISREG(status.st_mode):
        return PathSize(1, status.st_size)
    if not stat.S_ISDIR(status.st_mode):
        raise BadInput("It is neither a file nor a folder", hint="Links and devices are not shared.")
    return _count(path, stop, most)


def _count(root: Path, stop: Event, most: int) -> PathSize:
    files = size = 0
    folders = [os.fspath(root)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if stop.is_set() or files >= most:
                        return PathSize(files, size, whole=False)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        files += 1
                        size += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # gone while we counted
            continue
        except OSError as error:
            raise from_os_error(error, "look into it") from error
    return PathSize(files, size)


def _explain(error: OSError | ValueError) -> Exception:
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return NotFound("There is no such file or folder", hint="Check the spelling of the path.")
    return from_os_error(error, "look at it")
