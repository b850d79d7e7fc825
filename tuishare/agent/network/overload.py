"""Overload: the problems to show while strangers, or the agent itself, use up connections and descriptors.

Owns these problems, and one entry in the activity log for each occurrence. Must not act on them: the engine does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from tuishare.agent.process.malloc import give_back
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.core.activity import ActivityKind
from tuishare.core.problems import Problem
from tuishare.net.descriptors import DescriptorBudget
from tuishare.swarm import Crowd, Usage

LOOK_SECONDS: Final = 2.0
_RELEASE_SECONDS: Final = 10.0
"""Between two times at which memory is given back to the system during a flood: it takes some milliseconds."""
_log = logging.getLogger(__name__)
_ROOM: Final = (
    "Allow more open files (`ulimit -n`, or LimitNOFILE= of the service), then start the agent again."
)


class OverloadFacts(Protocol):
    """The part of `tuishare.swarm.Engine` that is needed here."""

    @property
    def allotment(self) -> DescriptorBudget:
        """How the descriptors of this process are divided."""

    @property
    def crowd(self) -> Crowd | None:
        """Connections of strangers that lead to nothing; None without any."""

    @property
    def usage(self) -> Usage | None:
        """How many descriptors are open."""

    @property
    def connections(self) -> int:
        """How many peers are connected."""


class OverloadMonitor:
    """Checks for overload every `LOOK_SECONDS`."""

    def __init__(self, engine: OverloadFacts, now: Callable[[], int]) -> None:
        """`now` returns Unix seconds."""
        self._engine = engine
        self._now = now
        self._problems: dict[str, Problem] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems to show now."""
        return tuple(self._problems.values())

    async def run(self, activity: ActivityLog, changed: Callable[[], None]) -> None:
        """Check until cancelled; call `changed` when a problem begins or ends, and log each flood of strangers once."""
        next_release = 0.0
        while True:
            known = self._problems
            self._look()
            if "crowd" in self._problems.keys() - known:
                activity.note(ActivityKind.PROBLEM, "swarm port", self._problems["crowd"].detail)
                _log.warning("%s", self._problems["crowd"].detail)
            if self._problems.keys() != known.keys():
                changed()
            is_over = "crowd" not in self._problems
            if "crowd" in known and (is_over or time.monotonic() >= next_release):
                await asyncio.to_thread(
                    give_back
                )  # also before the end: a problem is shown for longer than it lasts
                next_release = time.monotonic() + _RELEASE_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        now = self._now()
        found = describe_overload(self._engine, now)
        began = {problem.id: problem.since for problem in self.problems}
        self._problems = {
            problem.id: replace(problem, since=began.get(problem.id, problem.since)) for problem in found
        }


def describe_overload(engine: OverloadFacts, now: int) -> tuple[Problem, ...]:
    """Return the problems of this moment; `now` in Unix seconds."""
    return (*_of_strangers(engine.crowd), *_of_descriptors(engine.usage, now), *_of_connections(engine, now))


def _of_strangers(crowd: Crowd | None) -> tuple[Problem, ...]:
    if crowd is None:
        return ()
    return (
        Problem(
            id="crowd",
            title="Many silent connections",
            detail=f"{crowd.ended:,} connections to the swarm port were ended because they led to nothing; "
            f"most come from {crowd.source}",
            hint="Transfers continue. If it does not end, block that network in the firewall.",
            since=crowd.since,
        ),
    )


def _of_descriptors(usage: Usage | None, now: int) -> tuple[Problem, ...]:
    if usage is None or not usage.short:
        return ()
    return (
        Problem(
            id="descriptors",
            title="Too many files are open",
            detail=f"{usage.used:,} of {usage.limit:,} files and sockets are in use; new connections wait",
            hint=_ROOM,
            since=now,
        ),
    )


def _of_connections(engine: OverloadFacts, now: int) -> tuple[Problem, ...]:
    if engine.connections < engine.allotment.connections:
        return ()
    return (
        Problem(
            id="connections",
            title="All connections are in use",
            detail=f"{engine.connections:,} peers are connected, which is the limit; others wait",
            hint=_ROOM if engine.allotment.limit < 4096 else "It ends when transfers end.",
            since=now,
        ),
    )
