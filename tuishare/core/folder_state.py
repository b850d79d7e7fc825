"""How a drop folder is watched. Owns the states only."""

from __future__ import annotations

from enum import StrEnum


class FolderState(StrEnum):
    """How a drop folder is watched."""

    WATCHING = "watching"
    """The file system reports changes."""
    POLLING = "polling"
    """The file system reports no changes, so the folder is scanned periodically."""
    MISSING = "missing"
    UNWATCHED = "unwatched"
    """No agent runs."""
