"""How a drop folder is being watched. Owns the words only."""

from __future__ import annotations

from enum import StrEnum


class FolderState(StrEnum):
    """How a drop folder is being watched."""

    WATCHING = "watching"
    """The file system reports changes."""
    POLLING = "polling"
    """It reports none, so the folder is scanned periodically."""
    MISSING = "missing"
    UNWATCHED = "unwatched"
    """No agent runs."""
