"""What is shown while this machine is crowded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.waiting import wait_until
from tuishare.agent.network import overload as module
from tuishare.agent.network.overload import OverloadMonitor, describe_overload
from tuishare.api.messages import ActivityKind
from tuishare.net.descriptors import DescriptorBudget, plan_descriptors
from tuishare.swarm import Crowd, Usage

CALM = Usage(60, 1024, 256)


@dataclass
class Engine:
    """One that says what it is told to."""

    crowd: Crowd | None = None
    usage: Usage | None = CALM
    connections: int = 0
    allotment: DescriptorBudget = field(default_factory=lambda: plan_descriptors(1024))


class Journal:
    def __init__(self) -> None:
        self.noted: list[tuple[ActivityKind, str, str]] = []

    def note(self, kind: ActivityKind, subject: str, detail: str) -> None:
        self.noted.append((kind, subject, detail))


def test_calm() -> None:
    assert describe_overload(Engine(), 7) == ()
    assert describe_overload(Engine(usage=None), 7) == ()


def test_strangers() -> None:
    (problem,) = describe_overload(Engine(Crowd(5, 1234, "192.0.2.0/24")), 7)
    assert (problem.id, problem.since) == ("crowd", 5)
    assert "1,234 connections" in problem.detail
    assert "192.0.2.0/24" in problem.detail
    assert problem.hint


def test_descriptors_and_connections_near_their_limits() -> None:
    (problem,) = describe_overload(Engine(usage=Usage(1000, 1024, 256)), 7)
    assert (problem.id, problem.since) == ("descriptors", 7)
    assert "1,000 of 1,024" in problem.detail
    assert "ulimit -n" in problem.hint
    full = plan_descriptors(1024).connections
    (problem,) = describe_overload(Engine(connections=full), 7)
    assert problem.id == "connections"
    assert describe_overload(Engine(connections=full - 1), 7) == ()


@dataclass
class Watched:
    """A monitor at work, and what came of it."""

    engine: Engine
    monitor: OverloadMonitor
    activity: Journal = field(default_factory=Journal)
    looks: int = 0
    changes: int = 0
    given_back: int = 0

    async def look_again(self) -> None:
        """Wait for two more looks, the first of which is over then."""
        wanted = self.looks + 2
        await wait_until(lambda: self.looks >= wanted)


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    """A monitor that looks often at an engine without problems."""

    def now() -> int:
        found.looks += 1
        return 100 + found.looks

    def change() -> None:
        found.changes += 1

    def give_back() -> None:
        found.given_back += 1

    engine = Engine()
    found = Watched(engine, OverloadMonitor(engine, now))
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "give_back", give_back)
    running = asyncio.create_task(found.monitor.run(found.activity, change))  # type: ignore[arg-type]
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_crowd_is_noted_once_and_shown_until_it_ends(watched: Watched) -> None:
    engine, monitor = watched.engine, watched.monitor
    engine.usage = Usage(1000, 1024, 256)
    engine.crowd = Crowd(5, 20, "192.0.2.0/24")
    await wait_until(lambda: len(monitor.problems) == 2)
    since = [problem.since for problem in monitor.problems]
    engine.crowd = Crowd(5, 999, "192.0.2.0/24")
    await wait_until(lambda: "999" in monitor.problems[0].detail)
    assert [problem.since for problem in monitor.problems] == since
    assert [noted[:2] for noted in watched.activity.noted] == [(ActivityKind.PROBLEM, "swarm port")]
    engine.crowd, engine.usage = None, CALM
    await wait_until(lambda: monitor.problems == ())
    await watched.look_again()
    assert watched.changes == 2


async def test_memory_is_given_back_during_a_flood_and_at_its_end(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RELEASE_SECONDS", 600.0)
    await watched.look_again()
    assert watched.given_back == 0
    watched.engine.crowd = Crowd(5, 20, "192.0.2.0/24")
    await wait_until(lambda: watched.given_back > 0)
    for _ in range(3):
        await watched.look_again()
    assert watched.given_back == 1
    watched.engine.crowd = None
    await wait_until(lambda: watched.monitor.problems == ())
    for _ in range(3):
        await watched.look_again()
    assert watched.given_back == 2


async def test_memory_is_given_back_again_and_again_while_a_flood_goes_on(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RELEASE_SECONDS", 0.0)
    watched.engine.crowd = Crowd(5, 20, "192.0.2.0/24")
    await wait_until(lambda: watched.given_back > 2)
    assert watched.monitor.problems
