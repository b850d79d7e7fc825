"""Kills an agent at every point of every journey: ``python -m tests.agent.crash_points [JOURNEY…]``.

A point is the moment before or after a call that changes what outlives the process, or of slow work (`victim.POINTS`).
After each the agent is started again, and it is checked that nothing half is to be seen in outbox, inbox and downloads,
that it comes to its end, and that nothing is lost or doubled. Takes some ten minutes; exits with 1 when a point fails.
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


async def try_all(kind: type[Journey]) -> tuple[int, list[str]]:
    """Return how many points a journey has, and what went wrong at which."""
    faults: list[str] = []
    with TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        async with beginning(kind, Path(folder)) as stage:
            point = 0
            while True:
                point += 1
                try:
                    name = await stage.kill_at(point)
                except (AssertionError, TimeoutError, OSError) as error:
                    name = stage.point
                    trace = traceback.extract_tb(error.__traceback__)
                    where = next(
                        (f"{t.name}:{t.lineno}" for t in trace[::-1] if "tests/agent" in t.filename), ""
                    )
                    faults.append(f"{point} ({name}): {type(error).__name__} {error} in {where}")
                    print(f"  FAILED at {faults[-1]}", flush=True)
                if not name:
                    return point - 1, faults


async def main(wanted: list[str]) -> int:
    """Try all journeys, or the named ones, and tell what was seen."""
    logging.disable(logging.CRITICAL)
    points, failed = 0, 0
    for kind in (*SENDING, *RECEIVING):
        if wanted and kind.__name__ not in wanted:
            continue
        started = time.monotonic()
        count, faults = await try_all(kind)
        points, failed = points + count, failed + len(faults)
        print(
            f"{kind.__name__:12} {count:4} points, {len(faults)} failed, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    print(f"{'all':12} {points:4} points, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
