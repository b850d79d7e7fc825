"""Orders while the disk refuses: an answer at once, and nothing that was begun is dropped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tuishare.agent.service.command_runner import CommandRunner
from tuishare.agent.state import disk_retry as module
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.errors import DiskRefused, NotFound, SystemFailed

PROMPT = 2.0


class Desk:
    """An order that needs a disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "FIRST_SECONDS", 0.01)
        monkeypatch.setattr(module, "LONGEST_SECONDS", 0.01)
        self.disk_retry = DiskRetry(Path("/state"))
        self.runner = CommandRunner(self.disk_retry)
        self.runner.ready.set()
        self.full = False
        self.done: list[str] = []

    async def order(self, name: str) -> str:
        await self.disk_retry.retry_until_written(self._write)
        self.done.append(name)
        return name

    async def _write(self) -> None:
        if self.full:
            raise DiskRefused("Cannot write: no space left on device", full=True)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


async def test_an_order_is_carried_out_and_answered(desk: Desk) -> None:
    assert await desk.runner.run(desk.order("a")) == "a"
    assert desk.done == ["a"]


async def test_its_own_error_is_the_answer(desk: Desk) -> None:
    async def fail() -> None:
        raise NotFound("There is no such share")

    with pytest.raises(NotFound):
        await desk.runner.run(fail())


async def test_one_that_meets_a_full_disk_is_answered_at_once_and_done_later(desk: Desk) -> None:
    desk.full = True
    with pytest.raises(DiskRefused, match="will be done once"):
        await asyncio.wait_for(desk.runner.run(desk.order("a")), PROMPT)
    assert desk.done == []
    desk.full = False
    await wait_until(lambda: desk.done == ["a"])


async def test_one_that_comes_while_the_disk_is_full_is_refused_and_never_done(desk: Desk) -> None:
    desk.full = True
    with pytest.raises(DiskRefused, match="will be done once"):
        await desk.runner.run(desk.order("a"))
    with pytest.raises(DiskRefused, match="no space left"):
        await asyncio.wait_for(desk.runner.run(desk.order("b")), PROMPT)
    desk.full = False
    await wait_until(lambda: desk.done == ["a"])
    assert await desk.runner.run(desk.order("c")) == "c"
    assert desk.done == ["a", "c"]


async def test_what_needs_no_disk_is_done_at_once_and_the_rest_later(desk: Desk) -> None:
    async def cut(name: str) -> None:
        desk.done.append(f"cut {name}")

    desk.full = True
    for name in ("a", "b"):
        with pytest.raises(DiskRefused, match="will be done once"):
            await asyncio.wait_for(desk.runner.run(desk.order(name), first=cut(name)), PROMPT)
    assert desk.done == ["cut a", "cut b"]
    desk.full = False
    await wait_until(lambda: desk.done == ["cut a", "cut b", "a", "b"])
    desk.runner.ready.clear()
    with pytest.raises(SystemFailed, match="starting"):
        await desk.runner.run(desk.order("c"), first=cut("c"))
    assert desk.done[4:] == []


async def test_before_everything_is_taken_up_nothing_is_ordered(desk: Desk) -> None:
    desk.runner.ready.clear()
    with pytest.raises(SystemFailed, match="starting"):
        await desk.runner.run(desk.order("a"))
    assert desk.done == []


async def test_the_end_does_not_wait_for_the_disk(desk: Desk) -> None:
    desk.full = True
    with pytest.raises(DiskRefused):
        await desk.runner.run(desk.order("a"))
    await asyncio.wait_for(desk.runner.close(), PROMPT)
    desk.full = False
    assert await desk.runner.run(desk.order("b")) == "b"
    assert desk.done == ["b"]


async def test_what_fails_later_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    async def fail_later() -> None:
        await desk.order("a")
        raise NotFound("There is no such share")

    desk.full = True
    with pytest.raises(DiskRefused):
        await desk.runner.run(fail_later())
    desk.full = False
    await wait_until(lambda: "There is no such share" in caplog.text)
