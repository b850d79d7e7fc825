"""A hub process that is killed while parcels come and go, and started again: each parcel arrives."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.hubs import Member, make_hub, parcel
from tests.waiting import answered, wait_until
from tuishare.errors import AgentUnreachable
from tuishare.hub.operator import GetStatus, HubStatus, Invite, Invited, ask_hub
from tuishare.hub.settings import FOLDER_VARIABLE, HubPlaces
from tuishare.link.peer import LinkFailed

pytestmark = pytest.mark.crash
COUNT = 24
WAITING = 3
"""Parcels in the mailbox, at least, when the hub is killed before the member collects any."""
KILLS = (5, 14)
"""The other times: after so many parcels were received."""


@contextlib.asynccontextmanager
async def hub_process(places: HubPlaces) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tuishare", "hub", "run"),
        env={**os.environ, FOLDER_VARIABLE: str(places.folder)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until_running(places)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_running(places: HubPlaces) -> None:
    await answered(lambda: status(places), lambda found: found is not None, seconds=60)


async def status(places: HubPlaces) -> HubStatus | None:
    try:
        answer = await asyncio.to_thread(ask_hub, places.socket, GetStatus())
    except AgentUnreachable:
        return None
    assert isinstance(answer, HubStatus)
    return answer


def has_received(bob: Member, count: int, working: list[asyncio.Task[None]]) -> bool:
    """Whether so many parcels have come; raises what has ended a task that brings them."""
    for task in working:
        if task.done():
            task.result()
    return len(set(bob.received)) >= count


async def send_all(bob: Member) -> None:
    for number in range(COUNT):
        await answered(lambda: is_put(bob, parcel(number, 40_000)), bool, seconds=60)  # noqa: B023


async def is_put(bob: Member, content: bytes) -> bool:
    """Put a parcel; return whether the hub lived to say that it has it."""
    try:
        full = await bob.put(content)
    except LinkFailed:
        return False
    assert full is None
    return True


async def collect_all(bob: Member, places: HubPlaces) -> None:
    while True:
        await until_running(places)
        bob.end = None
        async with bob.collecting():
            await wait_until(lambda: bob.end is not None, seconds=60)


async def test_every_parcel_arrives_though_the_hub_is_killed_again_and_again(tmp_path: Path) -> None:
    places, bob = make_hub(tmp_path / "hub"), Member(1)
    expected = {parcel(number, 40_000) for number in range(COUNT)}
    working: list[asyncio.Task[None]] = []
    try:
        async with hub_process(places):  # ends by SIGKILL
            invited = await asyncio.to_thread(ask_hub, places.socket, Invite("bob", 1))
            assert isinstance(invited, Invited)
            await bob.join(invited.string)
            working.append(asyncio.create_task(send_all(bob)))
            await answered(
                lambda: status(places), lambda found: found is not None and found.parcels >= WAITING
            )
        working.append(asyncio.create_task(collect_all(bob, places)))
        for least in (*KILLS, COUNT):
            async with hub_process(places):
                await wait_until(lambda: has_received(bob, least, working), seconds=60)  # noqa: B023
                if least == COUNT:
                    await working[0]
                    await answered(
                        lambda: status(places), lambda found: found is not None and not found.parcels
                    )
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    assert set(bob.received) == expected
    # A connection that ends between keeping and deleting makes the hub offer that one again; the agent knows it.
    assert len(bob.received) <= COUNT + len(KILLS) + 1
