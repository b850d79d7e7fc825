"""What happened."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from tests.agent.agent_pairs import NAME, rejected, running, shown
from tests.agent.homes import Home, fill, opened, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.daemon import Agent
from tuishare.agent.events import ActivitySaved
from tuishare.api.messages import ACTIVITY_SHOWN, ActivityKind, DownloadState
from tuishare.core.database import EVENTS_KEPT, Database
from tuishare.core.records import EventRecord
from tuishare.errors import SystemFailed

HOSTILE = "a\x1b[2Jb\u202e\nc"


def event(number: int) -> EventRecord:
    return EventRecord(number, "shared", str(number), "")


async def happened(agent: Agent) -> list[tuple[ActivityKind, str]]:
    """Oldest first."""
    return [(event.kind, event.subject) for event in reversed(await agent.service.activity(100))]


def test_the_last_ten_thousand_are_kept(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    database.note(map(event, range(EVENTS_KEPT)))
    database.note(map(event, range(EVENTS_KEPT, EVENTS_KEPT + 5)))
    kept = database.events(EVENTS_KEPT * 2)
    assert [kept[0].at, kept[-1].at, len(kept)] == [EVENTS_KEPT + 4, 5, EVENTS_KEPT]
    assert [found.at for found in database.events(2)] == [EVENTS_KEPT + 4, EVENTS_KEPT + 3]
    assert kept[0].id > kept[1].id
    database.close()


async def test_what_is_noted_can_be_read_at_once_and_after_a_restart(alice: Home) -> None:
    async with opened(alice) as context:
        context.activity.note(ActivityKind.SHARED, "first")
        context.activity.note(ActivityKind.PROBLEM, "second", "It failed")
        second, first = await context.activity.latest(10)
        assert (first.kind, first.subject, first.detail) == (ActivityKind.SHARED, "first", "")
        assert (second.kind, second.subject, second.detail) == (ActivityKind.PROBLEM, "second", "It failed")
        assert first.at == context.clock.now()
    async with opened(alice) as context:
        assert [found.subject for found in await context.activity.latest(1)] == ["second"]


async def test_names_are_made_visible_secrets_hidden_and_nothing_is_long(alice: Home) -> None:
    async with opened(alice) as context:
        context.activity.note(
            ActivityKind.REJECTED, HOSTILE + "x" * 1000, "key " + "ab" * 32 + HOSTILE * 1000
        )
        (found,) = await context.activity.latest(1)
        for text in (found.subject, found.detail):
            assert not {"\x1b", "\u202e", "\n"} & set(text)
        assert (len(found.subject), len(found.detail)) == (80, 300)
        assert found.detail.startswith("key …")
        context.activity.note(ActivityKind.REJECTED, "key " + "ab" * 32)
        assert (await context.activity.latest(1))[0].subject == "key …"


async def test_a_disk_that_refuses_ends_nothing_and_costs_nothing_but_the_oldest(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(alice) as context:

        async def refuse(_self: object, _work: object) -> None:
            raise SystemFailed("The disk is full")

        with monkeypatch.context() as patch:
            patch.setattr("tuishare.agent.state.store.Store.run", refuse)
            context.activity.note(ActivityKind.SHARED, "first")
            with pytest.raises(SystemFailed):
                await context.activity.write()
            context.activity.note(ActivityKind.SHARED, "second")
        assert await subjects(context) == ["first", "second"]
        for number in range(1005):
            context.activity.note(ActivityKind.SHARED, str(number))
        assert (await subjects(context))[:3] == ["first", "second", "5"]


async def test_what_the_disk_refused_is_tried_again_by_itself_and_not_at_once(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.agent.state.activity_log._RETRY_SECONDS", 0.1)
    async with opened(alice) as context:
        tries: list[float] = []

        async def refuse(_self: object, _work: object) -> None:
            tries.append(time.monotonic())
            raise SystemFailed("The disk is full")

        writing = asyncio.create_task(context.activity.run())
        with monkeypatch.context() as patch:
            patch.setattr("tuishare.agent.state.store.Store.run", refuse)
            context.activity.note(ActivityKind.SHARED, "first")
            await wait_until(lambda: len(tries) == 3)
        assert tries[2] - tries[0] > 0.15
        await wait_until(lambda: [event.subject for event in context.activity.recent] == ["first"])
        writing.cancel()
        await asyncio.wait({writing})


async def test_what_waits_to_be_written_is_bounded(alice: Home) -> None:
    async with opened(alice) as context:
        for number in range(1005):
            context.activity.note(ActivityKind.SHARED, str(number))
        assert (await subjects(context))[0] == "5"


async def subjects(context: Context) -> list[str]:
    return [event.subject for event in reversed(await context.activity.latest(10_000))]


async def test_an_agent_that_stops_in_the_middle_of_writing_loses_and_doubles_nothing(alice: Home) -> None:
    async with opened(alice) as context:
        busy = threading.Event()
        blocking = asyncio.create_task(context.store.run(lambda _: busy.wait(10)))
        context.activity.note(ActivityKind.SHARED, "x")
        writing = asyncio.create_task(context.activity.write())
        await wait_until(lambda: context.activity._writing is not None and not context.activity._unwritten)
        writing.cancel()
        await asyncio.wait({writing})
        busy.set()
        await blocking
        assert await subjects(context) == ["x"]


async def test_several_writers_at_once_double_nothing_and_keep_the_order(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(alice) as context:
        log, writers, begun = context.activity, list[asyncio.Task[None]](), asyncio.Event()
        write = log._write

        async def begin() -> None:
            begun.set()
            await write()

        monkeypatch.setattr(log, "_write", begin)
        for number in range(50):
            log.note(ActivityKind.SHARED, f"{number:02}")
            writers.append(asyncio.create_task(log.write()))
            if number % 3 == 0:
                begun.clear()
                await asyncio.wait_for(begun.wait(), 20)  # the next entries come while these are written
            if number % 7 == 0:
                writers[-1].cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        await log.write()
        assert [entry.subject for entry in log.recent] == [f"{number:02}" for number in reversed(range(50))]


async def test_both_journeys_are_told(alice: Home, bob: Home) -> None:
    fill(alice.drop / "film.mkv")
    async with running(alice) as sender, running(bob) as pipeline:
        await wait_until(lambda: bool(list(alice.outbox.iterdir())))
        (envelope,) = alice.outbox.iterdir()
        bob.receive(envelope)
        await shown(pipeline, DownloadState.COMPLETE)
        assert await happened(pipeline) == [(ActivityKind.RECEIVED, "film.mkv")]
        activity = sender._context.activity
        await wait_until(lambda: ActivityKind.DELIVERED in {event.kind for event in activity.recent})
        (alice.drop / "film.mkv").unlink()
        await wait_until(lambda: [share.state for share in sender.view.shares()] == ["withdrawn"])
        assert await happened(sender) == [
            (ActivityKind.SHARED, "film.mkv"),
            (ActivityKind.DELIVERED, "film.mkv"),
            (ActivityKind.WITHDRAWN, "film.mkv"),
        ]
        (told, *_) = reversed(await sender.service.activity(10))
        assert told.detail == "for bob"


async def test_what_needs_its_owner_is_told_once(alice: Home, bob: Home) -> None:
    bob.know(alice.user(verified=False))
    (bob.inbox / NAME).write_bytes(seal_for(alice, share_of(fill(alice.drop / "x")), bob.user()))
    for _ in range(2):
        async with running(bob) as agent:
            await shown(agent, DownloadState.WAITING)
            await wait_until(lambda: NAME in agent._inbox._judged)
            assert await happened(agent) == [(ActivityKind.APPROVAL, "x")]


async def test_what_was_turned_away_is_told(bob: Home) -> None:
    async with running(bob) as agent:
        (bob.inbox / NAME).write_bytes(b"x")
        await rejected(bob)
        await shown(agent, DownloadState.REJECTED)
        assert await happened(agent) == [(ActivityKind.REJECTED, NAME)]


async def test_problems_are_told(alice: Home) -> None:
    alice.configure("nobody")
    fill(alice.drop / "x")
    async with running(alice) as agent:
        await wait_until(lambda: [share.state for share in agent.view.shares()] == ["problem"])
        assert await happened(agent) == [(ActivityKind.PROBLEM, "x")]


async def test_what_happens_last_is_not_lost(alice: Home) -> None:
    async with running(alice) as agent:
        agent._context.activity.note(ActivityKind.SHARED, "last")
    async with running(alice) as agent:
        assert await happened(agent) == [(ActivityKind.SHARED, "last")]


async def test_the_last_of_it_is_at_hand_also_after_a_restart(alice: Home) -> None:
    async with opened(alice) as context:
        moved: list[int] = []
        context.events.subscribe(ActivitySaved, lambda _: moved.append(len(context.activity.recent)))
        for number in range(ACTIVITY_SHOWN + 3):
            context.activity.note(ActivityKind.SHARED, str(number))
        assert context.activity.recent == ()
        await context.activity.write()
        context.activity.note(ActivityKind.DELIVERED, "5", "to bob")
        await context.activity.write()
        latest = await context.activity.latest(ACTIVITY_SHOWN)
        assert list(context.activity.recent) == latest
        assert (moved, latest[0].subject) == ([ACTIVITY_SHOWN] * 2, "5")
        history = await context.activity.history("5")
        assert [found.kind for found in history] == [ActivityKind.DELIVERED, ActivityKind.SHARED]
    async with opened(alice) as context:
        await context.activity.load()
        assert list(context.activity.recent) == latest


async def test_a_hostile_name_has_its_history(alice: Home) -> None:
    async with opened(alice) as context:
        context.activity.note(ActivityKind.SHARED, HOSTILE)
        assert len(await context.activity.history(HOSTILE)) == 1
