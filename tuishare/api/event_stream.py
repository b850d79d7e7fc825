"""One client's event stream: a snapshot, then changes, at most two per second, and heartbeats in between.

Owns the timing and what each client has already received. Each stream keeps its own last snapshot, so a slow client
gets fewer and larger lines and costs the agent one line of memory, never a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from tuishare.api.messages import Event, Heartbeat
from tuishare.api.service import StateFeed
from tuishare.api.snapshot_diff import diff


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """The timing of a stream.

    Attributes:
        interval: minimum seconds between two lines.
        heartbeat: maximum seconds without a line.
    """

    interval: float = 0.5
    heartbeat: float = 5.0


async def follow(feed: StateFeed, timing: StreamTiming) -> AsyncGenerator[Event, None]:
    """Yield the lines of one client's stream, indefinitely.

    The pause follows a line: the first change after a quiet period is sent at once.
    """
    signal = feed.changes()
    seen = signal.revision
    sent = feed.snapshot()
    yield sent
    while True:
        await asyncio.sleep(timing.interval)
        try:
            seen = await asyncio.wait_for(signal.wait_for_change(seen), timing.heartbeat)
        except TimeoutError:
            yield Heartbeat(now=feed.status().now)
            continue
        now = feed.snapshot()
        if changes := diff(sent, now):
            sent = now
            yield changes
