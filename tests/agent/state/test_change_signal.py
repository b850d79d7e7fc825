from __future__ import annotations

import asyncio

from tuishare.agent.events import ChangeSignal


async def test_a_change_before_the_wait_is_not_missed() -> None:
    signal = ChangeSignal()
    seen = signal.revision
    signal.notify()
    assert await asyncio.wait_for(signal.wait_for_change(seen), 1) == 1


async def test_many_changes_wake_once() -> None:
    signal = ChangeSignal()
    waiting = asyncio.create_task(signal.wait_for_change(0))
    await asyncio.sleep(0)
    for _ in range(1000):
        signal.notify()
    seen = await asyncio.wait_for(waiting, 1)
    assert seen == 1000
    again = asyncio.create_task(signal.wait_for_change(seen))
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()


async def test_every_waiter_wakes() -> None:
    signal = ChangeSignal()
    waiting = [asyncio.create_task(signal.wait_for_change(0)) for _ in range(3)]
    await asyncio.sleep(0)
    signal.notify()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 1) == [1, 1, 1]
