"""How many envelopes are opened in a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.agent.homes import Home, fill, seal_for, share_of
from tests.agent.mail import running
from tests.waiting import wait_until
from tuishare.agent.downloads.pacing import Pace, Waiting
from tuishare.agent.downloads.rejects import REASON_SUFFIX, REJECTED
from tuishare.api.messages import Download, DownloadState
from tuishare.paths import ENVELOPE_SUFFIX


@dataclass
class Clock:
    """Time that a test moves; what was called while it did."""

    limit: int = 2
    now: float = 1000.0
    called: list[str] = field(default_factory=list)

    def pace(self) -> Pace:
        return Pace(lambda: self.limit, self.called.append, lambda: self.now)


@asynccontextmanager
async def at_work(pace: Pace) -> AsyncIterator[None]:
    task = asyncio.create_task(pace.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def arrive(pace: Pace, *names: str) -> list[str]:
    """Let these come; return which may pass."""
    passed = [name for name in names if pace.admits(name)]
    for name in names:
        if name not in passed:
            pace.queue(Waiting(name, 1, 1, "form"))
    return passed


def test_so_many_pass_in_any_minute() -> None:
    clock = Clock()
    pace = clock.pace()
    assert pace.admits("a")
    clock.now += 59
    assert pace.admits("b")
    assert not pace.admits("c")
    clock.now += 1  # a minute after a
    assert pace.admits("c")
    assert not pace.admits("d")


def test_nobody_overtakes_who_waits() -> None:
    clock = Clock()
    pace = clock.pace()
    arrive(pace, "a", "b", "c")
    clock.now += 60
    assert not pace.admits("new")


def test_without_a_limit_all_pass() -> None:
    assert len(arrive(Clock(limit=0).pace(), *map(str, range(1000)))) == 1000


async def test_who_waits_is_called_in_turn_and_passes_then() -> None:
    clock = Clock()
    pace = clock.pace()
    assert arrive(pace, "a", "b", "c", "d", "e") == ["a", "b"]
    assert list(pace.waiting) == ["c", "d", "e"]
    async with at_work(pace):
        clock.now += 60
        await wait_until(lambda: clock.called == ["c", "d"])
        assert not pace.admits("new")  # e was there before
        assert pace.admits("c")
        assert not pace.admits("c")  # once


async def test_a_higher_limit_counts_soon() -> None:
    clock = Clock()
    pace = clock.pace()
    arrive(pace, "a", "b", "c")
    async with at_work(pace):
        await asyncio.sleep(0)
        clock.limit = 3
        await wait_until(lambda: clock.called == ["c"])


def test_what_is_gone_neither_waits_nor_passes() -> None:
    clock = Clock(limit=1)
    pace = clock.pace()
    arrive(pace, "a", "b")
    assert pace.holds("b", "form")
    assert not pace.holds("b", "another form")
    assert pace.forget("b")
    assert not pace.forget("b")
    assert not pace.holds("b", "form")
    assert pace.waiting == {}


def rejected_at(home: Home) -> int:
    folder = home.inbox / REJECTED
    return len(list(folder.glob(f"*{REASON_SUFFIX}"))) if folder.exists() else 0


def not_yet_opened(downloads: list[Download]) -> list[str]:
    return [item.name for item in downloads if item.state is DownloadState.QUEUED and not item.sender]


async def test_a_flood_stays_in_the_inbox_is_shown_and_taken_later(alice: Home, bob: Home) -> None:
    bob.configure(inbox={"envelopes_per_minute": 2})
    good = f"good{ENVELOPE_SUFFIX}"
    async with running(bob) as agent:
        for number in range(5):
            (bob.inbox / f"{number}{ENVELOPE_SUFFIX}").write_bytes(b"TSE1" + bytes(100))
        await wait_until(lambda: len(not_yet_opened(list(agent.downloads()))) == 3)
        (bob.inbox / good).write_bytes(seal_for(alice, share_of(fill(alice.drop / "x")), bob.user()))
        await wait_until(lambda: good in not_yet_opened(list(agent.downloads())))
        await wait_until(lambda: rejected_at(bob) == 2)
        assert len(not_yet_opened(list(agent.downloads()))) == 4
        bob.configure(inbox={"envelopes_per_minute": 100})
        assert (await agent.reload()).applied == ("inbox.envelopes_per_minute",)
        await wait_until(lambda: [item.name for item in agent.downloads() if item.sender] == ["x"])
        await wait_until(lambda: rejected_at(bob) == 5)
        assert not_yet_opened(list(agent.downloads())) == []


async def test_no_more_of_a_flood_is_shown_than_a_person_can_read(
    bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob.configure(inbox={"envelopes_per_minute": 1})
    async with running(bob) as agent:
        for number in range(130):
            agent._inbox.pace.queue(Waiting(str(number), 1, 1, ""))
        assert len(agent.downloads()) == 100
