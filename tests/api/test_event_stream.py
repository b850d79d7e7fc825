from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing

from tests.api.samples import SNAPSHOT, ScriptedAgent
from tuishare.api.event_stream import StreamTiming, follow
from tuishare.api.messages import Changes, Heartbeat

QUICK = StreamTiming(interval=0.01, heartbeat=0.05)
LONELY = StreamTiming(interval=0.0, heartbeat=60.0)


async def test_the_snapshot_comes_first_and_at_once() -> None:
    async with aclosing(follow(ScriptedAgent().feed, StreamTiming(60, 60))) as events:
        assert await asyncio.wait_for(anext(events), 1) == SNAPSHOT


async def test_a_burst_becomes_one_line_with_the_last_state() -> None:
    agent = ScriptedAgent()
    async with aclosing(follow(agent.feed, StreamTiming(0.1, 60))) as events:
        await anext(events)
        for rate in range(1000):
            agent.show_rate(rate)
        line = await asyncio.wait_for(anext(events), 2)
        assert isinstance(line, Changes)
        assert line.status is not None
        assert line.status.rate_up == 999
        follower = asyncio.ensure_future(anext(events))
        done, _ = await asyncio.wait([follower], timeout=0.3)
        assert not done
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)


async def test_lines_keep_their_distance() -> None:
    agent = ScriptedAgent()
    clock = asyncio.get_running_loop().time

    async def busy() -> None:
        for rate in range(1_000_000):
            agent.show_rate(rate)
            await asyncio.sleep(0)

    worker = asyncio.create_task(busy())
    moments = []
    async with aclosing(follow(agent.feed, StreamTiming(0.1, 60))) as events:
        async for _ in events:
            moments.append(clock())
            if len(moments) == 4:
                break
    worker.cancel()
    assert all(after - before >= 0.095 for before, after in itertools.pairwise(moments))


async def test_a_silent_agent_is_heard_by_its_heartbeat() -> None:
    async with aclosing(follow(ScriptedAgent().feed, QUICK)) as events:
        await anext(events)
        assert await asyncio.wait_for(anext(events), 2) == Heartbeat(now=SNAPSHOT.status.now)


async def test_a_notice_without_a_difference_is_no_line() -> None:
    agent = ScriptedAgent()
    async with aclosing(follow(agent.feed, LONELY)) as events:
        await anext(events)
        agent.signal.notify()
        waiting = asyncio.ensure_future(anext(events))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        agent.show_rate(1)
        assert isinstance(await asyncio.wait_for(waiting, 1), Changes)
