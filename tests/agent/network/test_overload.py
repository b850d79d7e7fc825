"""What is shown while this machine is crowded."""

from __future__ import annotations

import asyncio
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


async def test_a_crowd_is_noted_once_and_shown_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "_RELEASE_SECONDS", 0.0)
    given_back: list[None] = []
    monkeypatch.setattr(module, "give_back", lambda: given_back.append(None))
    engine, activity = Engine(), Journal()
    changes: list[None] = []
    clock = iter(range(100, 100_000))
    overload = OverloadMonitor(engine, lambda: next(clock))
    running = asyncio.create_task(overload.run(activity, lambda: changes.append(None)))  # type: ignore[arg-type]
    engine.usage = Usage(1000, 1024, 256)
    engine.crowd = Crowd(5, 20, "192.0.2.0/24")
    await wait_until(lambda: len(overload.problems) == 2)
    since = [problem.since for problem in overload.problems]
    engine.crowd = Crowd(5, 999, "192.0.2.0/24")
    await wait_until(lambda: "999" in overload.problems[0].detail)
    assert [problem.since for problem in overload.problems] == since
    assert [noted[:2] for noted in activity.noted] == [(ActivityKind.PROBLEM, "swarm port")]
    await wait_until(lambda: len(given_back) > 1)  # also while it goes on
    monkeypatch.setattr(module, "_RELEASE_SECONDS", 600.0)
    await asyncio.sleep(0.05)
    before = len(given_back)
    engine.crowd, engine.usage = None, CALM
    await wait_until(lambda: overload.problems == () and len(given_back) == before + 1)
    assert len(changes) == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
