"""The recent rates of each share and download, and their chart.

Owns both. Pure; the present moment is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from tuishare.api.messages import Snapshot

SPAN: Final = 300
"""Seconds that a chart covers."""

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"

Step = tuple[float, int]
"""When a rate began, Unix seconds, and the rate, bytes per second."""


class Rates:
    """Keeps rates for `SPAN` seconds; entries without traffic cost nothing."""

    def __init__(self) -> None:
        self._steps: dict[str, deque[Step]] = {}

    def record(self, snapshot: Snapshot, now: float) -> None:
        """Record the rates in a snapshot."""
        rates = {str(share.id): share.rate_up for share in snapshot.shares if share.rate_up}
        rates |= {str(item.id): item.rate_down for item in snapshot.downloads if item.rate_down}
        for key in self._steps.keys() | rates.keys():
            self._step(key, rates.get(key, 0), now)
        for key in [key for key, steps in self._steps.items() if _is_over(steps, now)]:
            del self._steps[key]

    def steps(self, entry: str) -> tuple[Step, ...]:
        """Return the rates of a share or download, oldest first."""
        return tuple(self._steps.get(entry, ()))

    def _step(self, key: str, rate: int, now: float) -> None:
        steps = self._steps.setdefault(key, deque())
        if not steps or steps[-1][1] != rate:
            steps.append((now, rate))
        while len(steps) > 1 and steps[1][0] <= now - SPAN:  # the first is the rate at the left edge
            steps.popleft()


def average(steps: Sequence[Step], since: float, until: float) -> float:
    """Return the mean rate between two moments, bytes per second; 0 before the first step."""
    total = 0.0
    ends = [*(at for at, _ in steps[1:]), until]
    for (start, rate), end in zip(steps, ends, strict=True):
        total += rate * max(0.0, min(end, until) - max(start, since))
    return total / (until - since)


def draw_chart(steps: Sequence[Step], now: float, width: int, height: int = 1) -> list[str]:
    """Draw the last `SPAN` seconds in blocks, scaled to the highest rate; the present is on the right.

    Returns:
        ``height`` lines of ``width`` cells, the top one first.
    """
    slot = SPAN / width
    values = (
        [average(steps, now - SPAN + n * slot, now - SPAN + (n + 1) * slot) for n in range(width)]
        if steps
        else []
    )
    peak = max(values, default=0.0)
    if not peak:
        return [" " * width for _ in range(height - 1)] + ["▁" * width]
    eighths = [max(1, round(value / peak * height * 8)) if value else 0 for value in values]
    return [
        "".join(_BLOCKS[max(0, min(8, level - row * 8))] for level in eighths)
        for row in reversed(range(height))
    ]


def _is_over(steps: Sequence[Step], now: float) -> bool:
    return not steps[-1][1] and steps[-1][0] <= now - SPAN
