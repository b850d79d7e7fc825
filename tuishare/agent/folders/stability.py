"""Stability: when an entry of a folder is complete.

Owns the rule: two equal fingerprints with a quiet time between them, and no event since the first. An entry without any
event settles by the same rule once a scan has found it. What changes again soon after it has settled has to be quiet
longer each time, so that a log is not one version a second. Pure: the caller walks the files and passes the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tuishare.config.model import SettleSettings


class FileEventKind(Enum):
    """What happened to an entry."""

    CHANGED = auto()
    """The entry, or something below it, has changed."""
    FINISHED = auto()
    """The entry itself was closed after writing, or moved into place: its writer has finished."""


_LONGEST: Final = 30
"""Quiet times: the longest wait, and how soon a change counts as another one of the same series."""
_OVERDUE: Final = 300
"""Quiet times after which an entry is taken at the first quiet moment, or although a program has it open."""
_BATCH: Final = 256
"""Settled entries after which those that no change follows any more are forgotten."""
_LONGEST_HOLD: Final = 15
"""Quiet times between two looks at an entry that waits for something without an event."""


@dataclass(slots=True)
class _Entry:
    since: float
    kind: FileEventKind
    due: float
    wait: float
    walked: float = float("-inf")
    fingerprint: str | None = None
    size: int = 0
    unchanged: float = float("inf")
    obstacle: str = ""
    holds: int = 0


@dataclass(frozen=True, slots=True)
class _Settled:
    """The last form of an entry: when it settled, and how many forms settled soon after each other before it."""

    at: float
    fingerprint: str
    again: int


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An entry that has not settled; ``size`` in bytes as of the last walk, ``since`` on the caller's clock.

    ``reason`` says in a sentence what it waits for; empty if it is quiet for the usual time only.
    """

    name: str
    size: int
    since: float
    reason: str = ""


class StabilityTracker:
    """Tracks the entries of one folder that may be incomplete; all times in seconds of one monotonic clock."""

    def __init__(self, settle: SettleSettings) -> None:
        self._settle = settle
        self._entries: dict[str, _Entry] = {}
        self._settled: dict[str, _Settled] = {}

    def hint(self, name: str, kind: FileEventKind, now: float) -> None:
        """Record an event: fingerprints from before it no longer count."""
        wait = self._usual_wait(kind)
        entry = self._entries.setdefault(name, _Entry(now, kind, now, wait))
        entry.kind, entry.fingerprint = kind, None
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
            Whether the entry was quiet for long enough: `settle` or `hold` it then.
        """
        entry = self._entries.get(name)
        if entry is None:
            return False
        if entry.fingerprint == fingerprint and started >= entry.due:
            return True
        if entry.fingerprint != fingerprint:
            if entry.fingerprint is not None:
                entry.kind = FileEventKind.CHANGED  # it grew without an event: its writer has not finished
            entry.unchanged, entry.obstacle, entry.holds = now, "", 0
        entry.fingerprint, entry.size, entry.walked = fingerprint, size, now
        entry.wait = self._wait(name, entry, now)
        entry.due = now + entry.wait
        return False

    def settle(self, name: str, now: float) -> bool:
        """Stop tracking an entry that is complete; return False if an event came since `walked`."""
        entry = self._entries.get(name)
        if entry is None or entry.fingerprint is None:
            return False
        del self._entries[name]
        former = self._settled.pop(name, None)
        again = (
            former.again + (former.fingerprint != entry.fingerprint)
            if former and self._is_soon(former, entry)
            else 0
        )
        self._settled[name] = _Settled(now, entry.fingerprint, again)
        if not len(self._settled) % _BATCH:
            self._settled = {
                name: one
                for name, one in self._settled.items()
                if now - one.at < _LONGEST * self._settle.quiet
            }
        return True

    def hold(self, name: str, obstacle: str, now: float) -> None:
        """Keep tracking a quiet entry that is known to be incomplete; walk it again after an event, or in a while."""
        if entry := self._entries.get(name):
            pause = self._settle.quiet * min(1 << entry.holds, _LONGEST_HOLD)
            entry.obstacle, entry.holds, entry.due = obstacle, entry.holds + 1, now + pause

    def is_overdue(self, name: str, now: float) -> bool:
        """Return whether an entry has been unchanged for so long that it is taken although a program has it open."""
        entry = self._entries.get(name)
        return entry is not None and now - entry.unchanged >= _OVERDUE * self._settle.quiet

    def is_tracked(self, name: str) -> bool:
        """Return whether an entry has not settled."""
        return name in self._entries

    def drop(self, name: str) -> None:
        """Stop tracking an entry that is gone."""
        self._entries.pop(name, None)

    def unsettled(self) -> tuple[Unsettled, ...]:
        """Return the tracked entries, oldest first."""
        found = [
            Unsettled(name, entry.size, entry.since, self._reason(entry))
            for name, entry in self._entries.items()
        ]
        return tuple(sorted(found, key=lambda entry: entry.since))

    def _usual_wait(self, kind: FileEventKind) -> float:
        return self._settle.after_close if kind is FileEventKind.FINISHED else self._settle.quiet

    def _wait(self, name: str, entry: _Entry, now: float) -> float:
        """Return how long an entry has to be quiet: longer each time if it changes again and again."""
        usual, former, quiet = self._usual_wait(entry.kind), self._settled.get(name), self._settle.quiet
        if (
            former is None
            or former.fingerprint == entry.fingerprint
            or not self._is_soon(former, entry)
            or now - entry.since >= _OVERDUE * quiet
        ):
            return usual
        return min(max(2 * usual, quiet) * (1 << min(former.again, 16)), _LONGEST * quiet)

    def _is_soon(self, former: _Settled, entry: _Entry) -> bool:
        return entry.since - former.at < _LONGEST * self._settle.quiet

    def _reason(self, entry: _Entry) -> str:
        if entry.obstacle or entry.wait <= self._settle.quiet:
            return entry.obstacle
        return f"It changes again and again; it is shared once nothing has changed for {entry.wait:.0f} s"
