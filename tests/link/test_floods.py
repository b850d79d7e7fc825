"""Strangers in numbers: contacts are unaffected, and memory stays flat.

The sizes of a long run come from the environment: TUISHARE_LINK_SILENT=2000, TUISHARE_LINK_GUESSES=10000.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import psutil

from tests.link.agents import Agent, envelope, listening
from tests.link.samples import ALICE, BOB
from tests.waiting import wait_until
from tuishare.link.outgoing import HandedOver

SILENT = int(os.environ.get("TUISHARE_LINK_SILENT", "300"))
GUESSES = int(os.environ.get("TUISHARE_LINK_GUESSES", "60"))
MOST_GROWTH = 24 * 2**20


@contextlib.asynccontextmanager
async def strangers(agent: Agent, what: str, count: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.link.strangers", str(agent.endpoint.port), what, str(count)),
        agent.key.public_key.hex(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).strip() == b"ready"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


async def hand_over(alice: Agent, bob: Agent, first: int, count: int) -> list[float]:
    """Hand envelopes over on an open link; return how many seconds each took."""
    took = []
    async with bob.calling(alice) as session:
        await session.wait_opened()
        for number in range(first, first + count):
            since = time.perf_counter()
            assert isinstance(await session.offer(*envelope(number)), HandedOver)
            took.append(time.perf_counter() - since)
    return took


async def test_silent_connections_cost_little_and_end() -> None:
    alice, bob = Agent(ALICE), Agent(BOB)
    async with listening(alice):
        alice.know(bob)
        bob.know(alice)
        await hand_over(alice, bob, 1, 5)
        assert alice.server is not None
        slots, before, tasks = alice.server._ssh.slots, memory(), len(asyncio.all_tasks())
        async with strangers(alice, "silent", SILENT):
            await wait_until(lambda: len(slots) >= min(SILENT, 96), seconds=30.0)
            took = await hand_over(alice, bob, 100, 30)
            most = len(slots)
            assert most <= 128
            assert len(asyncio.all_tasks()) <= tasks + 3 * 128 + 20
            grown = memory() - before
        await wait_until(lambda: len(slots) == 0, seconds=30.0)
        print(
            f"{SILENT} silent: {most} kept, {grown / 2**20:.1f} MiB, {statistics.median(took) * 1000:.1f} ms"
        )
        assert grown < MOST_GROWTH
        assert statistics.median(took) < 0.25
        assert memory() - before < MOST_GROWTH


async def test_guesses_are_refused_and_leave_nothing_behind() -> None:
    alice, bob = Agent(ALICE), Agent(BOB)
    async with listening(alice):
        alice.know(bob)
        bob.know(alice)
        await hand_over(alice, bob, 1, 5)
        before = memory()
        async with strangers(alice, "guesses", GUESSES) as process:
            took: list[float] = []
            while process.returncode is None and len(took) < 2000:
                took += await hand_over(alice, bob, 1000 + len(took), 10)
                await asyncio.sleep(0.1)
            output, _ = await process.communicate()
        assert output.strip() == b"0"
        assert alice.joined == []
        assert alice.server is not None
        await wait_until(lambda: len(alice.server._ssh.slots) == 0, seconds=30.0)  # type: ignore[union-attr]
        for contact in alice.contacts.values():
            contact.inbox.clear()
        grown = memory() - before
        print(f"{GUESSES} guesses: {grown / 2**20:.1f} MiB, {statistics.median(took) * 1000:.1f} ms")
        assert grown < MOST_GROWTH
        assert statistics.median(took) < 0.25
