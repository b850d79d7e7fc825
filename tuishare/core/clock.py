"""The wall clock, as a function that tests replace."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the current time, with a zone."""
    return datetime.now(UTC)
