"""Kills an agent at every point of every journey: ``python -m tests.agent.crash_points [JOURNEY…]``.

A point is the moment before or after a call that changes what outlives the process, or of slow work (`victim.POINTS`).
After each the agent is started again, and it is checked that nothing half is to be seen in outbox, inbox and downloads,
that it comes to its end, and that nothing is lost or doubled. Takes half an hour, or one to three minutes a journey;
exits with 1 when a point fails or when there are fewer of them than there should be, with 2 for an unknown journey.
The test suite tries a sample of the same (`test_crashes`).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.agent.crashing import beginning
from tests.agent.download_journeys import RECEIVING
from tests.agent.introduction_journeys import INTRODUCING
from tests.agent.journeys import SENDING, Journey
from tests.agent.link_journeys import LINKING
from tests.agent.membership_journeys import MEMBERSHIP

JOURNEYS: dict[str, type[Journey]] = {
    kind.__name__: kind for kind in (*SENDING, *RECEIVING, *MEMBERSHIP, *LINKING, *INTRODUCING)
}
"""All of them by name, in the order in which they are tried."""

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


def _wanted(arguments: list[str]) -> list[str]:
    """Names of the journeys that the command line asks for, all of them when it names none."""
    parser = argparse.ArgumentParser(prog="python -m tests.agent.crash_points", description=__doc__)
    parser.add_argument("journeys", nargs="*", metavar="JOURNEY", help=f"one of {', '.join(JOURNEYS)}")
    names: list[str] = parser.parse_args(arguments).journeys
    if unknown := [name for name in names if name not in JOURNEYS]:
        parser.error(f"no journey is called {unknown[0]}: they are {', '.join(JOURNEYS)}")
    return names or list(JOURNEYS)


async def main(wanted: list[str]) -> int:
    """Try the named journeys, and tell what was seen."""
    logging.disable(logging.CRITICAL)
    points, kinds, failed = 0, set[str](), 0
    for kind in (JOURNEYS[name] for name in wanted):
        started = time.monotonic()
        names, faults = await try_all(kind)
        points, failed = points + len(names), failed + len(faults)
        kinds.update(names)
        print(
            f"{kind.__name__:18} {len(names):4} points, {len(faults)} failed, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    print(f"{'all':18} {points:4} different points, {failed} failed; {len(kinds)} kinds of them")
    too_few = wanted == list(JOURNEYS) and points < WANTED
    if too_few:
        print(f"there should be {WANTED} at least")
    return 1 if failed or too_few else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_wanted(sys.argv[1:]))))
