"""Speed of the dashboard: first frame, keys among many changing shares, and idle CPU.

The agent is replaced by a fake behind the API's client, so only the dashboard is measured. Run alone or
with the others: ``python -m tests.bench.bench_dashboard [--shares 5000] [--seconds 10]``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import statistics
import subprocess
import sys
import time

import msgspec

from tests.tui.fakes import FakeAgent, dashboard, many_shares, snapshot, until
from tests.tui.tables import cursor_row
from tuishare.api.messages import Changes, Snapshot
from tuishare.tui.app import Dashboard
from tuishare.tui.screens.main_screen import MainScreen

CHANGING = 50
"""Shares that change in each update."""

_FIRST_FRAME = """
import asyncio
from tests.tui.fakes import FULL, FakeAgent, dashboard

async def main():
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.view.snapshot:
            await pilot.pause(0.002)
        await pilot.pause()

asyncio.run(main())
"""


def measure_first_frame(rounds: int) -> tuple[float, float]:
    """Seconds from the start of a process until a snapshot is drawn, by the clock and of processor; medians of several.

    The processor's do not depend on what else the machine does; they count the end of the process, too.
    """
    spent, worked = [], []
    for _ in range(rounds):
        started, before = time.perf_counter(), processor(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", _FIRST_FRAME], check=True, stdout=subprocess.DEVNULL)
        spent.append(time.perf_counter() - started)
        worked.append(processor(resource.RUSAGE_CHILDREN) - before)
    return statistics.median(spent), statistics.median(worked)


def processor(whose: int = resource.RUSAGE_SELF) -> float:
    """Seconds that this process, or those it has waited for, have spent on all cores."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


async def feed(agent: FakeAgent, full: Snapshot) -> None:
    """Change some shares twice a second, for ever."""
    turn = 0
    while True:
        turn += 1
        first = (turn * CHANGING) % max(1, len(full.shares) - CHANGING)
        changed = full.shares[first : first + CHANGING] + full.shares[:5]
        agent.say(Changes(shares=tuple(msgspec.structs.replace(s, rate_up=1000 + turn) for s in changed)))
        await asyncio.sleep(0.5)


async def measure_keys(app: Dashboard, presses: int) -> list[float]:
    """Seconds from each key until the cursor has moved and the screen is up to date."""
    assert isinstance(app.screen, MainScreen)
    table, spent = app.screen.pane.table, []
    for _ in range(presses):
        started, row = time.perf_counter(), cursor_row(table)
        app.simulate_key("j")
        # nothing signals this condition
        while cursor_row(table) == row or app.screen._dirty_widgets:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        spent.append(time.perf_counter() - started)
        await asyncio.sleep(0.05)
    return spent


async def measure_load(app: Dashboard, seconds: float) -> float:
    """Percent of one core."""
    assert app.is_running
    started, before = time.perf_counter(), processor()
    await asyncio.sleep(seconds)
    return (processor() - before) / (time.perf_counter() - started) * 100


async def measure(shares: int, seconds: float) -> None:
    """Print what keys and updates cost among many shares, and what nothing costs."""
    full = snapshot(many_shares(shares))
    agent = FakeAgent(full)
    app = dashboard(agent, clock=time.time)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.view.snapshot, 30)
        idle = await measure_load(app, seconds)
        feeder = asyncio.create_task(feed(agent, full))
        busy = await measure_load(app, seconds)
        keys = await measure_keys(app, 50)
        feeder.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeder
    print(f"{shares:>6,} shares: idle {idle:.1f} % of a core (at most 2)")
    print(f"{shares:>6,} shares, 2 updates/s: {busy:.1f} % of a core (at most 15)")
    slowest = max(keys) * 1000
    print(
        f"key to repaint: median {statistics.median(keys) * 1000:.0f} ms (at most 50), slowest {slowest:.0f} ms"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shares", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    frame, worked = measure_first_frame(options.rounds)
    print(
        f"first frame: {frame:.2f} s after the start of the process (at most 0.7), {worked:.2f} s of processor"
    )
    asyncio.run(measure(options.shares, options.seconds))


if __name__ == "__main__":
    main()
