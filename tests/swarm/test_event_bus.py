"""Slow readers miss nothing that counts and cost little."""

from __future__ import annotations

import asyncio

from tuishare.swarm import Completed, EngineEvent, Failed, PeerRefused, Progress, Progressed, TrackerFailed
from tuishare.swarm.event_bus import Subscribers, Subscription
from tuishare.torrents import InfoHash

ONE, TWO = InfoHash("1" * 64), InfoHash("2" * 64)


def progressed(info_hash: InfoHash, done: int) -> Progressed:
    return Progressed(info_hash, Progress(info_hash, "downloading", done, 100, done / 100, 0, 0, 0, 0, 0, 0))


async def _drain(subscription: Subscription) -> list[EngineEvent]:
    subscription.end()
    return [event async for event in subscription]


async def test_stale_numbers_fold_and_everything_else_arrives() -> None:
    subscribers = Subscribers()
    reader = subscribers.subscribe()
    for done in range(100):
        subscribers.publish(progressed(ONE, done))
    subscribers.publish(progressed(TWO, 5))
    subscribers.publish(Completed(ONE))
    subscribers.publish(Failed(TWO, "disk full"))
    assert await _drain(reader) == [
        progressed(ONE, 99),
        progressed(TWO, 5),
        Completed(ONE),
        Failed(TWO, "disk full"),
    ]


async def test_a_flood_of_refused_peers_stays_small() -> None:
    subscribers = Subscribers()
    reader = subscribers.subscribe()
    for number in range(10_000):
        subscribers.publish(PeerRefused(ONE, f"192.0.2.{number}", "no ticket"))
    assert len(await _drain(reader)) == 1


async def test_trackers_are_told_apart() -> None:
    subscribers = Subscribers()
    reader = subscribers.subscribe()
    subscribers.publish(TrackerFailed(ONE, "http://a/announce", "no"))
    subscribers.publish(TrackerFailed(ONE, "http://b/announce", "no"))
    assert len(await _drain(reader)) == 2


async def test_a_waiting_reader_is_woken() -> None:
    subscribers = Subscribers()
    reader = subscribers.subscribe()
    task = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    subscribers.publish(Completed(ONE))
    assert await asyncio.wait_for(task, 5) == Completed(ONE)


async def test_leaving_ends_the_backlog() -> None:
    subscribers = Subscribers()
    with subscribers.subscribe() as reader:
        subscribers.publish(Completed(ONE))
    subscribers.publish(Completed(TWO))
    assert [event async for event in reader] == [Completed(ONE)]


async def test_dismissal_ends_every_reader() -> None:
    subscribers = Subscribers()
    readers = [subscribers.subscribe(), subscribers.subscribe()]
    subscribers.close()
    assert [[event async for event in reader] for reader in readers] == [[], []]
