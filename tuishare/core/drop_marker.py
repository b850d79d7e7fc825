"""The marker of a drop folder: an empty file that distinguishes the folder from an empty mount point.

Owns its name, writing and removing it. Must not decide whether a folder without a marker can be trusted: its handler in
`tuishare.agent.shares` does.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

MARKER: Final = ".tuishare-folder"


def write_marker(folder: Path) -> None:
    """Write the marker of a folder, if the folder is writable."""
    with contextlib.suppress(OSError):
        (folder / MARKER).touch()


def remove_marker(folder: Path) -> None:
    """Remove the marker of a folder; a file of another user, or one with content, stays."""
    marker = folder / MARKER
    with contextlib.suppress(OSError):
        status = marker.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0 and status.st_uid == os.geteuid():
            marker.unlink()
