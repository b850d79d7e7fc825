"""How a folder is watched, and why it is polled. Owns the states only."""

from __future__ import annotations

from enum import StrEnum


class FolderState(StrEnum):
    """How a drop folder is watched."""

    WATCHING = "watching"
    """The file system reports changes."""
    POLLING = "polling"
    """Not every change is reported, so the folder is scanned every few seconds; see `PollReason`."""
    MISSING = "missing"
    UNWATCHED = "unwatched"
    """No agent runs."""


class PollReason(StrEnum):
    """Why a folder is polled."""

    FEW_WATCHES = "few-watches"
    """The system allows this user no more watches, or programs that watch."""
    OTHER_MACHINES = "other-machines"
    """It is on a file system that other machines or programs change without an event."""
    NO_EVENTS = "no-events"
    """The file system reports no changes, or does not let us watch."""
