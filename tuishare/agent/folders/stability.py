"""Stability: when an entry of a folder is complete.

Owns the rule: two equal fingerprints with a quiet time between them, and no event since the first. An entry without any
event settles by the same rule once a scan has found it. Pure: the caller walks the files and passes the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tuishare.config.model import SettleSettings


class FileEventKind(Enum):
    """What happened to an entry."""

    CHANGED = auto()
    """The entry, or something below it, has changed."""
    FINISHED = auto()
    """The entry itself was closed after writing, or moved into place: its writer has finished."""


@dataclass(slots=True)
class _Entry:
    since: float
    wait: float
    due: float
    walked: float = float("-inf")
    fingerprint: str | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An entry that has not settled; ``size`` in bytes as of the last walk, ``since`` on the caller's clock."""

    name: str
    size: int
    since: float


class StabilityTracker:
    """Tracks the entries of one folder that may be incomplete; all times in seconds of one monotonic clock."""

    def __init__(self, settle: SettleSettings) -> None:
        self._settle = settle
        self._entries: dict[str, _Entry] = {}

    def hint(self, name: str, kind: FileEventKind, now: float) -> None:
        """Record an event: fingerprints from before it no longer count."""
        wait = self._settle.after_close if kind is FileEventKind.FINISHED else self._settle.quiet
        entry = self._entries.setdefault(name, _Entry(since=now, wait=wait, due=now))
        entry.wait = wait
        entry.fingerprint = None
        # A burst of events costs one walk per quiet time, not one walk per event.
        entry.due = max(now, entry.walked + wait)

    def notice(self, name: str, now: float) -> None:
        """Track an entry that a scan has found, unless it is tracked already."""
        if name not in self._entries:
            self.hint(name, FileEventKind.CHANGED, now)

    def due(self, now: float) -> list[str]:
        """Return the entries to walk now."""
        return [name for name, entry in self._entries.items() if entry.due <= now]

    def next_due(self) -> float | None:
        """Return when the next entry is to be walked, or None without any."""
        return min((entry.due for entry in self._entries.values()), default=None)

    def walked(self, name: str, fingerprint: str, size: int, started: float, now: float) -> bool:
        """Record the result of a walk.

        Args:
            name: the entry.
            fingerprint: equal for two walks exactly when nothing changed between them.
            size: bytes, for display.
            started: when the walk began.
            now: when it ended.

        Returns:
            Whether the entry has settled; it is then no longer tracked.
        """
        entry = self._entries.get(name)
        if entry is None:
            return False
        if entry.fingerprint == fingerprint and started - entry.walked >= entry.wait:
            del self._entries[name]
            return True
        if entry.fingerprint != fingerprint and entry.fingerprint is not None:
            entry.wait = self._settle.quiet  # it grew without an event: its writer has not finished
        entry.fingerprint, entry.size, entry.walked = fingerprint, size, now
        entry.due = now + entry.wait
        return False

    def drop(self, name: str) -> None:
        """Stop tracking an entry that is gone."""
        self._entries.pop(name, None)

    def unsettled(self) -> tuple[Unsettled, ...]:
        """Return the tracked entries, oldest first."""
        found = [Unsettled(name, entry.size, entry.since) for name, entry in self._entries.items()]
        return tuple(sorted(found, key=lambda entry: entry.since))
