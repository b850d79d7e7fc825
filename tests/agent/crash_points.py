"""Kills an agent at every point of every journey: ``python -m tests.agent.crash_points [JOURNEY…]``.

A point is the moment before or after a call that changes what outlives the process, or of slow work (`victim.POINTS`).
After each the agent is started again, and it is checked that nothing half is to be seen in outbox, inbox and downloads,
that it comes to its end, and that nothing is lost or doubled. Takes some ten minutes; exits with 1 when a point fails,
or when there are fewer of them than there should be.
The test suite tries a sample of the same (`test_crashes`).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.agent.arrivals import RECEIVING
from tests.agent.crashing import beginning
from tests.agent.journeys import SENDING, Journey
from tests.agent.memberships import MEMBERSHIP

WANTED = 200
"""Different points that all journeys together have at least; fewer mean that something is no longer watched."""


async def try_all(kind: type[Journey]) -> tuple[list[str], list[str]]:
    """Return the points of a journey by what happened there, and what went wrong at which."""
    points: list[str] = []
    faults: list[str] = []
    number, hung = 0, 0
    with TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        async with beginning(kind, Path(folder)) as stage:
            while hung < 2:  # once may be an accident
                number += 1
                try:
                    if not (name := await stage.kill_at(number)):
                        break
                except (AssertionError, TimeoutError, OSError) as error:
                    name = stage.point
                    faults.append(f"{number} ({name}): {type(error).__name__} {error} in {_place(error)}")
                    print(f"  FAILED at {faults[-1]}", flush=True)
                hung = 0 if name else hung + 1
                if name:
                    points.append(name)
    return points, faults


def _place(error: Exception) -> str:
    """Where in the tests something went wrong."""
    trace = traceback.extract_tb(error.__traceback__)
    return next((f"{t.name}:{t.lineno}" for t in trace[::-1] if "tests/agent" in t.filename), "")


async def main(wanted: list[str]) -> int:
    """Try all journeys, or the named ones, and tell what was seen."""
    logging.disable(logging.CRITICAL)
    points, kinds, failed = 0, set[str](), 0
    for kind in (*SENDING, *RECEIVING, *MEMBERSHIP):
        if wanted and kind.__name__ not in wanted:
            continue
        started = time.monotonic()
        names, faults = await try_all(kind)
        points, failed = points + len(names), failed + len(faults)
        kinds.update(names)
        print(
            f"{kind.__name__:18} {len(names):4} points, {len(faults)} failed, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    print(f"{'all':18} {points:4} different points, {failed} failed; {len(kinds)} kinds of them")
    too_few = not wanted and points < WANTED
    if too_few:
        print(f"there should be {WANTED} at least")
    return 1 if failed or too_few else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
