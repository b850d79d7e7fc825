"""How much may wait in the inbox: for approval, for room, for a key, and turned away (T1)."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.agent_pairs import KEY, running
from tests.agent.homes import Home, fill, make_home, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.rejected_files import REJECTED
from tuishare.api.messages import ActivityKind, DownloadAction, DownloadState
from tuishare.core.records import DownloadStep
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.people import User

WAITING, LOCKED, REJECTION = DownloadState.WAITING, DownloadState.LOCKED, DownloadState.REJECTED


def configure(bob: Home, **inbox: Any) -> None:
    bob.configure(inbox={"envelopes_per_minute": 0, **inbox})


def send(sender: Home, bob: Home, *names: str, not_after: int = 0) -> None:
    for name in names:
        share = replace(share_of(fill(sender.drop / name, 1000)), not_after=not_after)
        data = seal_for(sender, share, bob.user())
        (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)


def counts(agent: Agent) -> dict[DownloadState, int]:
    return Counter(download.state for download in agent.view.downloads())


async def until(agent: Agent, **wanted: int) -> None:
    expected = {DownloadState(state): number for state, number in wanted.items()}
    await wait_until(lambda: counts(agent) == expected, seconds=20)


@pytest.fixture
def strangers(alice: Home, bob: Home, root: Path) -> tuple[Home, Home]:
    """Two people whom Bob has not verified."""
    carol = make_home(root, "carol")
    bob.know(alice.user(verified=False), carol.user(verified=False))
    return alice, carol


async def test_a_sender_fills_no_more_than_a_place_and_the_next_comes_when_one_is_free(
    strangers: tuple[Home, Home], bob: Home
) -> None:
    alice, carol = strangers
    configure(bob, waiting_per_sender=2)
    async with running(bob) as agent:
        send(alice, bob, "a", "b", "c", "d")
        await until(agent, waiting=2, locked=2)
        locked = [one for one in agent.view.downloads() if one.state is LOCKED]
        assert "2 encrypted torrents from alice wait for your approval already" in locked[0].detail
        assert "when there is room" in locked[0].hint
        send(carol, bob, "e")
        await until(agent, waiting=3, locked=2)
        waiting = [one for one in agent.view.downloads() if one.state is WAITING and one.sender == "alice"]
        await agent.service.order_download(waiting[0].id, DownloadAction.REJECT)
        await until(agent, waiting=3, locked=1, rejected=1)
        await agent.service.order_download(waiting[1].id, DownloadAction.APPROVE)
        await until(agent, waiting=3, downloading=1, rejected=1)


async def test_what_waits_is_bounded_in_all_also_after_a_restart(
    strangers: tuple[Home, Home], bob: Home
) -> None:
    alice, carol = strangers
    configure(bob, waiting=3, waiting_per_sender=2)
    send(alice, bob, "a", "b", "c")
    send(carol, bob, "d", "e")
    for _ in range(2):
        async with running(bob) as agent:
            await until(agent, waiting=3, locked=2)
            waiting = {one.name for one in agent.view.downloads() if one.state is WAITING}
            await wait_until(lambda agent=agent: len(agent._inbox._judged) == 5)  # type: ignore[misc]
            assert {one.name for one in agent.view.downloads() if one.state is WAITING} == waiting


async def test_their_bytes_are_bounded_and_settings_count_at_once(
    strangers: tuple[Home, Home], bob: Home
) -> None:
    alice, _ = strangers
    configure(bob, waiting_size_per_sender="300")  # a torrent of one small file has about two hundred
    async with running(bob) as agent:
        send(alice, bob, "a", "b")
        await until(agent, waiting=1, locked=1)
        assert "the limit is 300 B" in next(
            one.detail for one in agent.view.downloads() if one.detail[0] == "W"
        )
        configure(bob)
        await agent.service.reload()
        await until(agent, waiting=2)


async def test_what_waits_already_goes_on_waiting_when_less_may(
    strangers: tuple[Home, Home], bob: Home
) -> None:
    alice, _ = strangers
    send(alice, bob, "a", "b")
    for bounds in ({}, {"waiting": 1}):
        configure(bob, **bounds)
        async with running(bob) as agent:
            await wait_until(lambda agent=agent: len(agent._inbox._judged) == 2)  # type: ignore[misc]
            await until(agent, waiting=2)


async def test_who_is_verified_meanwhile_needs_no_room(strangers: tuple[Home, Home], bob: Home) -> None:
    alice, _ = strangers
    configure(bob, waiting=1)
    async with running(bob) as agent:
        send(alice, bob, "a", "b")
        await until(agent, waiting=1, locked=1)
        bob.know(alice.user())
        await until(agent, downloading=2)


async def test_no_more_stay_for_a_key_than_may(alice: Home, bob: Home) -> None:
    configure(bob, waiting=2)
    async with running(bob) as agent:
        for name in "abc":
            data = seal_for(alice, share_of(fill(alice.drop / name)), User("bob", key=KEY))
            (bob.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)
        await until(agent, locked=2, rejected=1)
        (turned_away,) = (one for one in agent.view.downloads() if one.state is REJECTION)
        assert "2 such encrypted torrents are in the inbox already" in turned_away.detail


async def test_a_mistake_of_our_own_is_held_against_none(alice: Home, bob: Home) -> None:
    configure(bob, waiting=1, waiting_size="1")
    good = bob.places.users_file.read_bytes()
    async with running(bob) as agent:
        bob.places.users_file.write_bytes(b"[[user]\n")
        send(alice, bob, "a", "b", "c")
        await until(agent, locked=3)
        bob.places.users_file.write_bytes(good)
        await until(agent, downloading=3)


async def test_the_oldest_that_was_turned_away_goes_and_that_is_said(alice: Home, bob: Home) -> None:
    configure(bob, rejected=2)
    async with running(bob) as agent:
        for name in "abc":
            send(alice, bob, name, not_after=1)
            await wait_until(
                lambda name=name: any(one.name.startswith(name) for one in agent.view.downloads())  # type: ignore[misc]
            )
        await until(agent, rejected=2)
        kept = {name[0] for name in os.listdir(bob.inbox / REJECTED)}
        assert kept == {"b", "c"}
        assert {one.name[0] for one in agent.view.downloads()} == {"b", "c"}
        told = [event for event in await agent.service.activity(10) if "removed" in event.detail]
        assert [(event.kind, event.subject[0]) for event in told] == [(ActivityKind.REJECTED, "a")]


async def test_what_was_turned_away_is_not_kept_in_memory(alice: Home, bob: Home) -> None:
    """A traceback has all that was opened: up to 32 MiB for each of a hundred refusals."""
    configure(bob)
    async with running(bob) as agent:
        send(alice, bob, "a", not_after=1)
        await until(agent, rejected=1)
        error = agent._inbox.rejected[0].error
        assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)


async def test_a_torrent_is_in_the_store_and_nowhere_else(strangers: tuple[Home, Home], bob: Home) -> None:
    alice, _ = strangers
    configure(bob)
    async with running(bob) as agent:
        send(alice, bob, "a")
        await until(agent, waiting=1)
        (record,) = agent._inbox.repository.downloads.values()
        assert (record.step, record.weight) == (
            DownloadStep.WAITING,
            len(await agent._inbox.repository.torrent(record)),
        )
        assert max(len(value) for value in vars_of(record) if isinstance(value, bytes)) < 1000
        files = (await agent.service.download_details(agent.view.downloads()[0].id)).files
        assert [file.path for file in files] == ["a"]


def vars_of(record: object) -> list[object]:
    return [getattr(record, name) for name in type(record).__slots__]  # type: ignore[attr-defined]
