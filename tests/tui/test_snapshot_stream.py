from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
from textual.message import Message

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import FULL, GONE, PATIENT, FakeAgent, snapshot
from tuishare.api.client import AgentClient
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import Changes
from tuishare.tui.snapshot_stream import AgentLost, Backoff, Reader, SnapshotArrived, SnapshotStream

HASTY = Backoff(first=0.001, longest=0.002)


class Inbox:
    """Receives the posted messages; a test waits for the next one."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Message] = asyncio.Queue()

    async def snapshot(self) -> SnapshotArrived:
        message = await asyncio.wait_for(self.queue.get(), 5)
        assert isinstance(message, SnapshotArrived)
        return message

    async def lost(self) -> AgentLost:
        message = await asyncio.wait_for(self.queue.get(), 5)
        assert isinstance(message, AgentLost)
        return message


@asynccontextmanager
async def following(agent: Reader, backoff: Backoff = HASTY) -> AsyncIterator[tuple[SnapshotStream, Inbox]]:
    inbox = Inbox()
    handler = SnapshotStream(agent, inbox.queue.put_nowait, lambda: NOW, backoff)
    task = asyncio.create_task(handler.run())
    try:
        yield handler, inbox
    finally:
        assert not task.done(), "a handler never ends by itself"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_the_client_of_the_api_is_a_reader() -> None:
    reader: type[Reader] = AgentClient
    assert hasattr(reader, "events")


async def test_changes_are_applied_to_the_snapshot() -> None:
    faster = msgspec.structs.replace(SHARE, rate_up=1)
    agent = FakeAgent(snapshot((SHARE,)), Changes(shares=(faster,), downloads=(DOWNLOAD,)))
    async with following(agent) as (_, inbox):
        assert (await inbox.snapshot()).snapshot == snapshot((SHARE,))
        assert (await inbox.snapshot()).snapshot == snapshot((faster,), (DOWNLOAD,))


async def test_it_reconnects_and_begins_anew() -> None:
    agent = FakeAgent(FULL, GONE, GONE, snapshot())
    async with following(agent) as (_, inbox):
        await inbox.snapshot()
        assert (await inbox.lost()).lost.detail == GONE.detail
        await inbox.lost()
        assert (await inbox.snapshot()).snapshot == snapshot()
    assert agent.attempts == 3


async def test_waking_cuts_the_pause_short() -> None:
    async with following(FakeAgent(GONE, FULL), PATIENT) as (handler, inbox):
        assert (await inbox.lost()).lost.retry_at == NOW + 3600
        handler.wake()
        await inbox.snapshot()


async def test_nothing_ends_it_and_no_text_of_a_surprise_gets_out() -> None:
    agent = FakeAgent(ZeroDivisionError("passkey=s3cret"), Changes(), FULL)
    async with following(agent) as (_, inbox):
        assert "s3cret" not in str((await inbox.lost()).lost)
        assert "before a snapshot" in (await inbox.lost()).lost.detail
        await inbox.snapshot()


async def test_a_conversation_given_up_is_closed() -> None:
    agent = FakeAgent(Changes())
    async with following(agent, PATIENT) as (_, inbox):
        await inbox.lost()
        assert (agent.attempts, agent.open) == (1, 0)


async def test_a_stream_that_just_ends_is_a_loss() -> None:
    class Short:
        async def events(self) -> AsyncGenerator[Changes, None]:
            for event in tuple[Changes, ...]():
                yield event

    async with following(Short(), PATIENT) as (_, inbox):
        assert "ended" in (await inbox.lost()).lost.detail


@pytest.mark.parametrize(("error", "startable"), [(GONE, True), (ProtocolMismatch("It speaks 2"), False)])
async def test_only_a_missing_agent_can_be_started(error: Exception, startable: bool) -> None:
    async with following(FakeAgent(error), PATIENT) as (_, inbox):
        assert (await inbox.lost()).lost.startable is startable


def test_the_pause_doubles_up_to_a_limit() -> None:
    backoff = Backoff(first=0.5, longest=10)
    assert [backoff.pause(n) for n in (1, 2, 3, 4, 5, 6, 10_000)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_only_a_snapshot_replaces_a_snapshot() -> None:
    first, second = SnapshotArrived(FULL), SnapshotArrived(FULL)
    assert first.can_replace(second)
    assert not first.can_replace(Message())
