"""One client's event stream: snapshot first, then changes, at most two a second, and a heartbeat in silence.

Owns the timing and what each client has already been told. Each stream keeps its own last snapshot, so a slow
client gets fewer and larger lines and costs the agent one line of memory, never a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from tuishare.api.messages import Event, Heartbeat
from tuishare.api.service import AgentService
from tuishare.api.snapshot_diff import diff


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """How often a stream speaks.

    Attributes:
        interval: least time between two lines, seconds.
        heartbeat: longest silence, seconds.
    """

    interval: float = 0.5
    heartbeat: float = 5.0


async def follow(service: AgentService, pace: StreamTiming) -> AsyncGenerator[Event, None]:
    """Yield what a client has to be told, for ever.

    The pause comes after a line, not before: the first change after a quiet time is told at once.
    """
    signal = service.changes()
    seen = signal.revision
    told = service.snapshot()
    yield told
    while True:
        await asyncio.sleep(pace.interval)
        try:
            seen = await asyncio.wait_for(signal.wait_for_change(seen), pace.heartbeat)
        except TimeoutError:
            yield Heartbeat(now=service.status().now)
            continue
        now = service.snapshot()
        if changes := diff(told, now):
            told = now
            yield changes
