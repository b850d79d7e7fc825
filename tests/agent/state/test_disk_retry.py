"""Waiting for a disk: until it takes what has to be written, in order, and never in silence."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tuishare.agent.events import DiskStateChanged, EventBus
from tuishare.agent.state import disk_retry as module
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.errors import DiskRefused, NotFound, TooManyOpen


class Disk:
    """One that is full until somebody makes space, and remembers what was written."""

    def __init__(self) -> None:
        self.full = True
        self.tries = 0
        self.written: list[str] = []

    async def write(self, what: str) -> str:
        self.tries += 1
        if self.full:
            raise DiskRefused(f"Cannot write {what}: no space left on device", hint="Free some.", full=True)
        self.written.append(what)
        return what


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.05)


async def test_what_a_disk_takes_is_written_once_and_nothing_is_shown() -> None:
    disk, disk_retry = Disk(), DiskRetry(Path("/state"))
    disk.full = False
    assert await disk_retry.retry_until_written(lambda: disk.write("a")) == "a"
    assert (disk.tries, disk_retry.problems) == (1, ())
    disk_retry.require()


async def test_it_is_tried_until_there_is_space_and_shown_meanwhile() -> None:
    disk, told, events = Disk(), list[int](), EventBus()
    disk_retry = DiskRetry(Path("/state"), events)
    events.subscribe(DiskStateChanged, lambda _: told.append(len(disk_retry.problems)))
    task = asyncio.create_task(disk_retry.retry_until_written(lambda: disk.write("a")))
    await asyncio.wait_for(disk_retry.refused(), 5)
    await wait_until(lambda: disk.tries > 3)
    (problem,) = disk_retry.problems
    assert (problem.title, problem.hint) == ("The disk is full", "Free some.")
    assert "Cannot write a" in problem.detail
    assert problem.since > 0
    with pytest.raises(DiskRefused, match="no space left") as caught:
        disk_retry.require()
    assert (caught.value.full, caught.value.hint) == (True, "Free some.")
    disk.full = False
    assert await asyncio.wait_for(task, 5) == "a"
    assert (disk.written, disk_retry.problems, told) == (["a"], (), [1, 0])
    disk_retry.require()


async def test_a_disk_that_fails_otherwise_is_not_called_full() -> None:
    async def fail() -> None:
        raise DiskRefused("Cannot write: input/output error")

    disk_retry = DiskRetry(Path("/state"))
    task = asyncio.create_task(disk_retry.retry_until_written(fail))
    await asyncio.wait_for(disk_retry.refused(), 5)
    assert [problem.title for problem in disk_retry.problems] == ["The disk refuses writes"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_later_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it comes at a moment when there is space, while what came before has not been tried again."""
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.3)
    disk, disk_retry = Disk(), DiskRetry(Path("/state"))
    first = asyncio.create_task(disk_retry.retry_until_written(lambda: disk.write("a")))
    await asyncio.wait_for(disk_retry.refused(), 5)
    disk.full = False
    await asyncio.wait_for(disk_retry.retry_until_written(lambda: disk.write("b")), 5)
    await first
    assert disk.written == ["a", "b"]


async def test_pauses_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    disk, disk_retry = Disk(), DiskRetry(Path("/state"))

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        disk.full = len(pauses) < 5

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await disk_retry.retry_until_written(lambda: disk.write("a"))
    assert pauses == [0.01, 0.02, 0.04, 0.05, 0.05]


async def test_other_failures_are_not_waited_for() -> None:
    async def fail() -> None:
        raise NotFound("gone")

    disk_retry = DiskRetry(Path("/state"))
    with pytest.raises(NotFound):
        await asyncio.wait_for(disk_retry.retry_until_written(fail), 5)


async def test_who_is_cancelled_leaves_no_problem_behind_and_the_next_one_goes_on() -> None:
    disk, disk_retry = Disk(), DiskRetry(Path("/state"))
    first = asyncio.create_task(disk_retry.retry_until_written(lambda: disk.write("a")))
    second = asyncio.create_task(disk_retry.retry_until_written(lambda: disk.write("b")))
    await asyncio.wait_for(disk_retry.refused(), 5)
    first.cancel()
    disk.full = False
    assert await asyncio.wait_for(second, 5) == "b"
    assert (disk.written, disk_retry.problems) == (["b"], ())


async def test_want_of_descriptors_is_not_the_disks_fault() -> None:
    disk_retry, tries = DiskRetry(Path("/state")), []

    async def write() -> None:
        tries.append(disk_retry.problems)
        if len(tries) < 3:
            raise TooManyOpen("Cannot write a: too many open files")

    await disk_retry.retry_until_written(write)
    assert [problem.title for problem in tries[-1]] == ["Too many files are open"]
    assert disk_retry.problems == ()
