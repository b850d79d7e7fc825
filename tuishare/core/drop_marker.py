"""The marker of a drop folder: an empty file that tells it from the empty place where its disk is not mounted.

Owns its name, how it is put there and taken away. Whether a folder can be trusted without one,
`tuishare.agent.shares.sharing` knows.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

MARKER: Final = ".tuishare-folder"


def write_marker(folder: Path) -> None:
    """Mark a folder, where that can be written to."""
    with contextlib.suppress(OSError):
        (folder / MARKER).touch()


def remove_marker(folder: Path) -> None:
    """Take the marker of a folder away that is a drop folder no longer; what is not ours or not empty stays."""
    marker = folder / MARKER
    with contextlib.suppress(OSError):
        status = marker.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0 and status.st_uid == os.geteuid():
            marker.unlink()
