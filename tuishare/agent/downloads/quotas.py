"""Quotas and rate limit: what an envelope or a download has to wait for because of others (threats T1, T4).

Owns the rules about a sender's quota, slots and the number of downloads that wait for approval, with the sentences that
name them; and how many envelopes of unverified senders are read per minute, the others waiting in order. The queue of
envelopes is not kept across a restart: the whole inbox is scanned then. Must not know what an envelope is, nor decide
what follows.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tuishare.config.model import InboxSettings
from tuishare.config.units import format_size, parse_size
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import Refused

_MUCH: Final = 1_000_000
"""Bytes of disk beyond its size from which on a payload's cost is shown."""
_WINDOW: Final = 60.0
_NAP: Final = 1.0
"""Seconds after which a changed limit is noticed."""


class WaitingRoomFull(Refused):
    """As many downloads wait for approval as may; this one can be taken when there is room.

    Attributes:
        record: of the download.
    """

    def __init__(self, detail: str, record: DownloadRecord) -> None:
        super().__init__(
            detail, hint="Approve or reject some of those that wait; this one is taken when there is room."
        )
        self.record = record


def sender_quota_problem(record: DownloadRecord, others: Iterable[DownloadRecord], quota: int) -> str:
    """Return a sentence when a sender exceeds their quota (threat T4), or an empty text.

    Args:
        record: of the download that is to begin.
        others: all downloads; only unfinished ones count.
        quota: bytes of disk; 0: no quota.
    """
    if not quota:
        return ""
    under_way = sum(
        other.cost
        for other in others
        if other.sender == record.sender and other.id != record.id and other.step.is_unfinished
    )
    if under_way + record.cost <= quota:
        return ""
    return (
        f"With it {record.sender} would have {under_way + record.cost:,} bytes of disk under way,"
        f" the quota is {quota:,}"
    )


def slot_problem(active: int, limit: int) -> str:
    """Return a sentence when all slots are taken, or an empty text; a limit of 0 is none."""
    if not limit or active < limit:
        return ""
    return f"Queued: {active} of {limit} allowed downloads are active"


def waiting_room_problem(
    record: DownloadRecord, others: Iterable[DownloadRecord], rules: InboxSettings
) -> str:
    """Return a sentence when no more downloads may wait for approval (threat T1), or an empty text.

    Args:
        record: of the download that is to wait.
        others: all downloads.
        rules: the bounds.
    """
    waiting = [other for other in others if other.step is DownloadStep.WAITING and other.id != record.id]
    alike = [other for other in waiting if other.sender == record.sender]
    bounds = (
        (f" from {record.sender}", alike, rules.waiting_per_sender, rules.waiting_size_per_sender),
        ("", waiting, rules.waiting, rules.waiting_size),
    )
    for whose, kept, number, size in bounds:
        if number and len(kept) >= number:
            return (
                f"{len(kept):,} encrypted torrents{whose} wait for your approval already, which is the limit"
            )
        weight, most = sum(other.weight for other in kept) + record.weight, parse_size(size)
        if most and weight > most:
            return (
                f"With it the encrypted torrents{whose} that wait for your approval"
                f" would take {format_size(weight)}, the limit is {format_size(most)}"
            )
    return ""


def describe_cost(record: DownloadRecord) -> str:
    """Return what a payload takes of the disk where that is far more than its size, or an empty text."""
    if record.cost < 2 * record.size or record.cost - record.size < _MUCH:
        return ""
    return f"its {record.entries:,} files and folders take {format_size(record.cost)} of the disk"


@dataclass(frozen=True, slots=True)
class WaitingEnvelope:
    """An envelope that waits to be read.

    Attributes:
        name: of the file in the inbox.
        size: of the file in bytes.
        since: Unix seconds.
        fingerprint: of the file.
        stamp: of the user book that does not verify its sender.
    """

    name: str
    size: int
    since: int
    fingerprint: str
    stamp: tuple[int, ...] = ()


class EnvelopeRateLimit:
    """Lets a number of envelopes pass in any 60 seconds."""

    def __init__(
        self,
        limit: Callable[[], int],
        rescan: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without any envelope.

        Args:
            limit: returns how many may pass in a minute; 0: all. Called each time.
            rescan: called with the name of an envelope that may be read now; `admits` lets it pass.
            clock: returns seconds.
        """
        self._limit = limit
        self._rescan = rescan
        self._clock = clock
        self._passed: deque[float] = deque()
        self._called: set[str] = set()
        self._waiting: dict[str, WaitingEnvelope] = {}
        self._added = asyncio.Event()

    @property
    def waiting(self) -> Mapping[str, WaitingEnvelope]:
        """The envelopes that wait, by name, oldest first."""
        return self._waiting

    def admits(self, name: str) -> bool:
        """Return whether an envelope may pass now; one that may is counted."""
        if name in self._called:
            self._called.discard(name)
            return True
        # Those that wait already go first.
        if self._waiting or self._pause() > 0:
            return False
        self._passed.append(self._clock())
        return True

    def queue(self, waiting: WaitingEnvelope) -> None:
        """Let an envelope wait; one that is in the queue keeps its place when its file changes."""
        self._waiting[waiting.name] = waiting
        self._added.set()

    def holds(self, name: str, fingerprint: str, stamp: tuple[int, ...] = ()) -> bool:
        """Return whether an envelope waits in exactly this form, judged by this user book."""
        waiting = self._waiting.get(name)
        return waiting is not None and (waiting.fingerprint, waiting.stamp) == (fingerprint, stamp)

    def forget(self, name: str) -> bool:
        """Forget an envelope that is gone; return whether it waited."""
        self._called.discard(name)
        return self._waiting.pop(name, None) is not None

    async def run(self) -> None:
        """Let one after the other pass, until cancelled."""
        while True:
            if not self._waiting:
                self._added.clear()
                await self._added.wait()
            elif (pause := self._pause()) > 0:
                await asyncio.sleep(min(pause, _NAP))
            else:
                self._call(next(iter(self._waiting)))

    def _call(self, name: str) -> None:
        del self._waiting[name]
        self._called.add(name)
        self._passed.append(self._clock())
        self._rescan(name)

    def _pause(self) -> float:
        """Return the seconds until one more may pass."""
        now, limit = self._clock(), self._limit()
        while self._passed and self._passed[0] <= now - _WINDOW:
            self._passed.popleft()
        if limit == 0 or len(self._passed) < limit:
            return 0.0
        return self._passed[-limit] + _WINDOW - now
