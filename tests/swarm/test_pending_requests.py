"""Answers find those who asked."""

from __future__ import annotations

import asyncio

import pytest

from tuishare.errors import SystemFailed
from tuishare.swarm.alerts import Flushed, TorrentRemoved
from tuishare.swarm.pending_requests import PendingRequests
from tuishare.torrents import InfoHash

ONE, TWO = InfoHash("1" * 64), InfoHash("2" * 64)


async def test_an_answer_that_comes_within_the_question_counts() -> None:
    requests = PendingRequests()
    reply = await requests.request(lambda: requests.resolve(Flushed(ONE)), Flushed, ONE, seconds=5)
    assert reply == Flushed(ONE)


async def test_answers_of_another_kind_or_torrent_do_not() -> None:
    requests = PendingRequests()

    def answer_wrongly() -> None:
        requests.resolve(TorrentRemoved(ONE))
        requests.resolve(Flushed(TWO))

    with pytest.raises(SystemFailed, match="did not answer"):
        await requests.request(answer_wrongly, Flushed, ONE, seconds=0.01)


async def test_everybody_who_waits_is_answered() -> None:
    requests = PendingRequests()
    asked = [asyncio.ensure_future(requests.request(int, Flushed, ONE, seconds=5)) for _ in range(3)]
    await asyncio.sleep(0)
    requests.resolve(Flushed(ONE))
    assert await asyncio.gather(*asked) == [Flushed(ONE)] * 3


async def test_nobody_waits_for_an_engine_that_is_closed() -> None:
    requests = PendingRequests()
    asked = asyncio.ensure_future(requests.request(int, Flushed, ONE, seconds=5))
    await asyncio.sleep(0)
    requests.fail_all()
    with pytest.raises(SystemFailed, match="closed"):
        await asked


async def test_nothing_is_left_behind_by_those_who_gave_up() -> None:
    requests = PendingRequests()
    with pytest.raises(SystemFailed):
        await requests.request(int, Flushed, ONE, seconds=0.01)
    assert not requests._waiting
