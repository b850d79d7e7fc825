from __future__ import annotations

import asyncio

from tuishare.link.backlog import Backlog


async def test_items_are_taken_in_their_order_as_they_come() -> None:
    backlog: Backlog[int] = Backlog()
    taken: list[int] = []

    async def take() -> None:
        while len(taken) < 4:
            taken.append(await backlog.take())

    taking = asyncio.create_task(take())
    backlog.add(1)
    backlog.add(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert taken == [1, 2]
    backlog.add(3)
    backlog.add(4)
    await taking
    assert taken == [1, 2, 3, 4]


async def test_one_that_is_full_keeps_the_adding_task_waiting() -> None:
    backlog: Backlog[int] = Backlog(2)

    async def add() -> None:
        for number in range(5):
            await backlog.add_when_room(number)

    adding = asyncio.create_task(add())
    await asyncio.sleep(0.01)
    assert len(backlog._items) == 2
    assert [await backlog.take() for _ in range(5)] == list(range(5))
    await adding


async def test_a_task_that_gave_up_leaves_what_it_waited_for() -> None:
    backlog: Backlog[int] = Backlog(1)
    taking = asyncio.create_task(backlog.take())
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    backlog.add(1)
    adding = asyncio.create_task(backlog.add_when_room(2))
    await asyncio.sleep(0)
    adding.cancel()
    await asyncio.gather(adding, return_exceptions=True)
    assert await backlog.take() == 1
    assert backlog._items == []
