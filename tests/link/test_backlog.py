from __future__ import annotations

import asyncio

import pytest

from tests.waiting import wait_until
from tuishare.link.backlog import Backlog


async def test_items_are_handled_in_their_order_each_when_the_one_before_is_done() -> None:
    tasks: list[asyncio.Task[None]] = []
    handled: list[int] = []

    async def handle(item: int) -> None:
        await asyncio.sleep(0.01 / item)
        handled.append(item)

    backlog = Backlog(lambda work: tasks.append(asyncio.create_task(work)), handle)
    for item in (1, 2, 3):
        backlog.add(item)
    assert len(tasks) == 1
    await tasks[0]
    assert handled == [1, 2, 3]
    backlog.add(4)
    assert len(tasks) == 2  # nothing ran while it was empty
    await tasks[1]
    assert handled == [1, 2, 3, 4]


async def test_one_that_is_full_keeps_the_adding_task_waiting() -> None:
    handled, is_due = list[int](), asyncio.Semaphore(0)

    async def handle(item: int) -> None:
        await is_due.acquire()
        handled.append(item)

    async with asyncio.TaskGroup() as tasks:
        backlog = Backlog(tasks.create_task, handle, 2)

        async def add() -> None:
            for number in range(5):
                await backlog.add_when_room(number)

        adding = tasks.create_task(add())
        await wait_until(lambda: backlog._room is not None)
        assert (backlog._items, adding.done()) == ([1, 2], False)  # the first is being handled
        for _ in range(5):
            is_due.release()
    assert handled == list(range(5))


async def test_what_fails_ends_the_work_and_leaves_the_rest() -> None:
    async def handle(item: int) -> None:
        raise ValueError(str(item))

    async def fill() -> None:
        async with asyncio.TaskGroup() as tasks:
            backlog = Backlog(tasks.create_task, handle)
            backlogs.append(backlog)
            backlog.add(1)
            backlog.add(2)

    backlogs: list[Backlog[int]] = []
    with pytest.raises(ExceptionGroup, match="TaskGroup"):
        await fill()
    assert backlogs[0]._items == [2]


async def test_a_task_that_gave_up_adding_is_waited_for_no_longer() -> None:
    is_due = asyncio.Event()

    async def handle(_: int) -> None:
        await is_due.wait()

    async with asyncio.TaskGroup() as tasks:
        backlog = Backlog(tasks.create_task, handle, 1)
        backlog.add(1)
        await wait_until(lambda: not backlog._items)
        backlog.add(2)
        adding = asyncio.create_task(backlog.add_when_room(3))
        await wait_until(lambda: backlog._room is not None)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
        is_due.set()
    assert backlog._items == []
