"""Announces of an engine that has addresses of both families."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from tests.recording_tracker import asked
from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share
from tuishare.swarm import EngineEvent, Subscription, TrackerFailed


@pytest.mark.skipif(not socket.has_ipv6, reason="there is only one family here")
async def test_a_tracker_of_one_family_is_not_missed_by_addresses_of_the_other(
    start_engine: StartEngine, plain_share: Share
) -> None:
    engine = await start_engine(listen_plain=":0")
    seen: list[EngineEvent] = []

    async def collect(events: Subscription) -> None:
        async for event in events:
            seen.append(event)  # noqa: PERF401 (all that came counts, also when this is cancelled)

    async with asked() as tracker:
        url = tracker.url.replace("{passkey}", "00")
        with engine.subscribe() as events:
            collecting = asyncio.create_task(collect(events))
            info_hash = await engine.add(replace(plain_share.seeding(), announce=((url,),)))
            await tracker.once()
            await engine.remove(info_hash)  # told after everything that was told before
            collecting.cancel()
            await asyncio.gather(collecting, return_exceptions=True)
    assert seen
    assert [event for event in seen if isinstance(event, TrackerFailed)] == []
