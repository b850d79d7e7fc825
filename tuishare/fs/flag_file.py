"""A boolean that outlives the process: an empty file.

Owns the file. Must not know what it means.
"""

from __future__ import annotations

import contextlib
from pathlib import Path


class FlagFile:
    """A flag that is set while its file exists.

    Args:
        path: of the file; its folder must exist before the flag is set.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_set(self) -> bool:
        """Whether the file exists."""
        return self._path.exists()

    def set(self) -> None:
        """Set the flag; it stays unset if the file cannot be written."""
        with contextlib.suppress(OSError):
            self._path.touch(mode=0o600)
