"""Memory for contents is reserved in the order of the requests, and given back whatever happens."""

from __future__ import annotations

import asyncio

from tests.waiting import wait_until
from tuishare.link.content_budget import ContentBudget
from tuishare.link.messages import MOST_CONTENT


async def test_a_large_request_is_not_overtaken_by_small_ones() -> None:
    budget = ContentBudget(MOST_CONTENT)
    await budget.reserve(1000)
    order: list[str] = []

    async def reserve(name: str, size: int) -> None:
        await budget.reserve(size)
        order.append(name)

    large = asyncio.create_task(reserve("large", MOST_CONTENT))
    await wait_until(lambda: len(budget._waiting) == 1)
    small = asyncio.create_task(reserve("small", 1))
    await wait_until(lambda: len(budget._waiting) == 2)
    assert order == []
    budget.release(1000)
    await asyncio.wait_for(large, 20)
    assert order == ["large"]
    budget.release(MOST_CONTENT)
    await asyncio.wait_for(small, 20)
    budget.release(1)
    assert budget.free == MOST_CONTENT


async def test_who_gives_up_leaves_nothing_reserved() -> None:
    budget = ContentBudget(MOST_CONTENT)
    await budget.reserve(MOST_CONTENT)
    waiting = [asyncio.create_task(budget.reserve(size)) for size in (10, 20, 30)]
    await wait_until(lambda: len(budget._waiting) == 3)
    waiting[0].cancel()
    await wait_until(lambda: len(budget._waiting) == 2)
    waiting[2].cancel()  # has not left yet
    budget.release(MOST_CONTENT)
    waiting[1].cancel()  # has been served already
    await asyncio.gather(*waiting, return_exceptions=True)
    assert budget.free == MOST_CONTENT
