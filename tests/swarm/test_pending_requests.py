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
    replies = PendingRequests()
    reply = await replies.ask(lambda: replies.settle(Flushed(ONE)), Flushed, ONE, patience=5)
    assert reply == Flushed(ONE)


async def test_answers_of_another_kind_or_torrent_do_not() -> None:
    replies = PendingRequests()

    def answer_wrongly() -> None:
        replies.settle(TorrentRemoved(ONE))
        replies.settle(Flushed(TWO))

    with pytest.raises(SystemFailed, match="did not answer"):
        await replies.ask(answer_wrongly, Flushed, ONE, patience=0.01)


async def test_everybody_who_waits_is_answered() -> None:
    replies = PendingRequests()
    asked = [asyncio.ensure_future(replies.ask(int, Flushed, ONE, patience=5)) for _ in range(3)]
    await asyncio.sleep(0)
    replies.settle(Flushed(ONE))
    assert await asyncio.gather(*asked) == [Flushed(ONE)] * 3


async def test_nobody_waits_for_an_engine_that_is_closed() -> None:
    replies = PendingRequests()
    asked = asyncio.ensure_future(replies.ask(int, Flushed, ONE, patience=5))
    await asyncio.sleep(0)
    replies.abandon()
    with pytest.raises(SystemFailed, match="closed"):
        await asked


async def test_nothing_is_left_behind_by_those_who_gave_up() -> None:
    replies = PendingRequests()
    with pytest.raises(SystemFailed):
        await replies.ask(int, Flushed, ONE, patience=0.01)
    assert not replies._waiting
