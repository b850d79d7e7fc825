"""Whether somebody is new here.

Owns the one mark that the first run has been seen, an empty file in the state directory. Must not ask anything.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from tuishare.api.messages import Snapshot


class Greeting:
    """Remembers whether the first run was seen.

    Args:
        mark: the file that says so.
    """

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def is_due(self, snapshot: Snapshot) -> bool:
        """Whether nobody is known, nothing is watched, and the first run was never seen."""
        new = not snapshot.people.users and not snapshot.status.drop_folders
        return new and not self._mark.exists()

    def remember(self) -> None:
        """Not again; where that cannot be written down, once more next time."""
        with contextlib.suppress(OSError):
            self._mark.touch(mode=0o600)
