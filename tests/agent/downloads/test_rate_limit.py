"""How many envelopes are opened in a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent.agent_pairs import KEY, running
from tests.agent.homes import Home, fill, opened, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.quotas import EnvelopeRateLimit, WaitingEnvelope
from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED
from tuishare.agent.startup import make_inbox
from tuishare.api.messages import Download, DownloadState
from tuishare.envelope import seal_raw
from tuishare.errors import TooManyOpen
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.people import User
from tuishare.torrents import make_torrent, walk


@dataclass
class Clock:
    """Time that a test moves; what was called while it did."""

    limit: int = 2
    now: float = 1000.0
    called: list[str] = field(default_factory=list)
    asked: int = 0

    def pace(self) -> EnvelopeRateLimit:
        return EnvelopeRateLimit(self._limit, self.called.append, lambda: self.now)

    def _limit(self) -> int:
        self.asked += 1
        return self.limit


@asynccontextmanager
async def at_work(pace: EnvelopeRateLimit) -> AsyncIterator[None]:
    task = asyncio.create_task(pace.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def arrive(pace: EnvelopeRateLimit, *names: str) -> list[str]:
    """Let these come; return which may pass."""
    passed = [name for name in names if pace.admits(name)]
    for name in names:
        if name not in passed:
            pace.queue(WaitingEnvelope(name, 1, 1, "form"))
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
    asked = clock.asked
    async with at_work(pace):
        await wait_until(lambda: clock.asked > asked)  # it has found that c has to wait
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


def put(home: Home, name: str, envelope: bytes) -> None:
    (home.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(envelope)


def senders(agent: Agent) -> list[str]:
    return [item.sender for item in agent.view.downloads() if item.sender]


async def test_a_flood_stays_in_the_inbox_is_shown_and_taken_later(bob: Home) -> None:
    bob.configure(inbox={"envelopes_per_minute": 2})
    async with running(bob) as agent:
        for number in range(5):
            put(bob, str(number), b"TSE1" + bytes(100))
        await wait_until(lambda: len(not_yet_opened(list(agent.view.downloads()))) == 3)
        await wait_until(lambda: rejected_at(bob) == 2)
        bob.configure(inbox={"envelopes_per_minute": 100})
        assert (await agent.service.reload()).applied == ("inbox.envelopes_per_minute",)
        await wait_until(lambda: rejected_at(bob) == 5)
        assert not_yet_opened(list(agent.view.downloads())) == []


async def test_letters_of_strangers_do_not_hold_up_those_of_members(
    alice: Home, bob: Home, mallory: Home
) -> None:
    """T1: 200 come first; they are bounded, what a verified user signed is not."""
    bob.configure(inbox={"envelopes_per_minute": 3})
    share = share_of(fill(alice.drop / "x"))
    letter = seal_for(mallory, share, bob.user())
    async with running(bob) as agent:
        for number in range(200):
            put(bob, f"a{number}", letter)
        put(bob, "z", seal_for(alice, share, bob.user()))
        await wait_until(lambda: senders(agent) == ["alice"], seconds=20)
        await wait_until(lambda: len(agent._inbox.rate_limit.waiting) == 197, seconds=20)
        await wait_until(lambda: len(agent._inbox.locked) == 3)
        # A member's own do not count: the window is full, and they pass nevertheless.
        put(bob, "zz", seal_for(alice, share_of(fill(alice.drop / "y")), bob.user()))
        await wait_until(lambda: senders(agent) == ["alice"] * 2)
        assert (len(agent._inbox.locked), len(agent._inbox.rate_limit.waiting)) == (3, 197)


async def test_who_is_verified_waits_no_longer(alice: Home, bob: Home) -> None:
    bob.configure(inbox={"envelopes_per_minute": 1})
    bob.know(alice.user(verified=False))
    async with running(bob) as agent:
        put(bob, "junk", b"TSE1" + bytes(100))
        await wait_until(lambda: rejected_at(bob) == 1)
        put(bob, "x", seal_for(alice, share_of(fill(alice.drop / "x")), bob.user()))
        await wait_until(lambda: not_yet_opened(list(agent.view.downloads())) == [f"x{ENVELOPE_SUFFIX}"])
        bob.know(alice.user())
        await agent.service.reload()
        await wait_until(lambda: senders(agent) == ["alice"])
        assert agent._inbox.rate_limit.waiting == {}


async def test_what_waits_is_looked_at_again_after_a_restart(alice: Home, bob: Home, mallory: Home) -> None:
    """Also what a member sent meanwhile, which is taken at once."""
    bob.configure(inbox={"envelopes_per_minute": 1})
    share = share_of(fill(alice.drop / "x"))
    async with running(bob) as agent:
        for number in range(4):
            put(bob, f"a{number}", seal_for(mallory, share, bob.user()))
        await wait_until(lambda: len(agent._inbox.rate_limit.waiting) == 3)
    put(bob, "z", seal_for(alice, share, bob.user()))
    async with running(bob) as agent:
        await wait_until(lambda: senders(agent) == ["alice"])
        await wait_until(lambda: (len(agent._inbox.locked), len(agent._inbox.rate_limit.waiting)) == (1, 3))


async def test_the_raw_form_of_a_user_who_may_send_it_passes_too(alice: Home, bob: Home) -> None:
    bob.configure(inbox={"envelopes_per_minute": 1})
    bob.know(User("carol", key=KEY, accept_raw=True))
    async with running(bob) as agent:
        put(bob, "junk", b"TSE1" + bytes(100))
        await wait_until(lambda: rejected_at(bob) == 1)
        put(bob, "other", b"x" * 100)
        await wait_until(lambda: len(agent._inbox.rate_limit.waiting) == 1)
        put(bob, "raw", seal_raw(make_torrent(walk(fill(alice.drop / "x")), version=1), KEY))
        await wait_until(lambda: senders(agent) == ["carol"])


async def test_looking_at_who_signed_takes_half_a_core_at_most(
    bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = asyncio.get_running_loop().time
    async with opened(bob) as context:
        inbox = make_inbox(context)
        monkeypatch.setattr(inbox._reader, "peek", lambda _: (True, 3600.0))
        assert await asyncio.wait_for(inbox._is_from_verified(bob.inbox), 10)
        monkeypatch.setattr(inbox._reader, "peek", lambda _: (False, 0.2))
        before = clock()
        assert not await inbox._is_from_verified(bob.inbox)
        assert clock() - before >= 0.2


async def test_an_envelope_that_cannot_be_read_for_want_of_a_descriptor_takes_no_turn(
    bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peek(_: Path) -> tuple[bool, float]:
        raise TooManyOpen("No descriptor is left")

    async with opened(bob) as context:
        inbox = make_inbox(context)
        monkeypatch.setattr(inbox._reader, "peek", peek)
        for _ in range(100):
            put(bob, "x", b"")
            path = bob.inbox / f"x{ENVELOPE_SUFFIX}"
            with pytest.raises(TooManyOpen):
                await inbox.settled(path, inbox.look(path))
        assert (inbox.rate_limit.waiting, rejected_at(bob)) == ({}, 0)


async def test_no_more_of_a_flood_is_shown_than_a_person_can_read(
    bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob.configure(inbox={"envelopes_per_minute": 1})
    async with running(bob) as agent:
        for number in range(130):
            agent._inbox.rate_limit.queue(WaitingEnvelope(str(number), 1, 1, ""))
        assert len(agent.view.downloads()) == 100
