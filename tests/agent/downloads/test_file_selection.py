"""Some files of a download are fetched and delivered, and the others leave no trace: whole agents, a real swarm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.agent_pairs import running, shown
from tests.agent.downloads.test_commands import incoming, joined, serve
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads import files as download_files
from tuishare.agent.downloads.commands import select_files
from tuishare.agent.downloads.files import DownloadFiles, drop_unwanted
from tuishare.api.messages import (
    DeliveryState,
    Download,
    DownloadAction,
    DownloadId,
    DownloadState,
    File,
    FileChoice,
    ShareAction,
    ShareState,
)
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import BadInput, NotFound, Refused
from tuishare.torrents import DiskCost, make_torrent, walk

SIZES = {"a.mkv": 300_001, "b/c.mkv": 70_000, "b/d/e.mkv": 5, "none": 0}
"""In the order of the torrent."""


def make_films(parent: Path, sizes: dict[str, int]) -> Path:
    for name, size in sizes.items():
        path = parent / "films" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fill(path, size)
    return parent / "films"


@asynccontextmanager
async def sending(
    alice: Home, bob: Home, *, paused: bool = True, sizes: dict[str, int] = SIZES, **tables: Any
) -> AsyncIterator[Agent]:
    """Alice's agent, whose envelope for several files is in Bob's inbox."""
    alice.configure("bob", **tables)
    make_films(alice.drop, sizes)
    async with running(alice) as agent:
        share = await until(agent, "films", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        if paused:
            await agent.service.order_share(share.id, ShareAction.PAUSE)
        bob.receive(alice.outbox / "films.torrent.encrypted")
        yield agent


async def leave_out(agent: Agent, *numbers: int) -> None:
    (download,) = agent.view.downloads()
    await agent.service.choose_files(download.id, FileChoice(unwanted=numbers))


async def until_wanted(agent: Agent, size: int) -> None:
    """Wait until the engine is about that many bytes."""
    live = agent._context.engine.all_progress
    await wait_until(lambda: [progress.total for progress in live().values()] == [size])


async def files(agent: Agent) -> tuple[File, ...]:
    (download,) = agent.view.downloads()
    return (await agent.service.download_details(download.id)).files


async def delivered(alice: Home, bob: Home, agent: Agent, *names: str) -> Download:
    """Wait until these files are there, whole, and nothing else: no other file, no empty folder, no part file."""
    download = await shown(agent, DownloadState.COMPLETE)
    landed = bob.downloads / "alice" / "films"
    assert content(landed) == {name: (alice.drop / "films" / name).read_bytes() for name in names}
    folders = {path for path in landed.rglob("*") if path.is_dir()}
    assert folders == {
        parent for name in names for parent in (landed / name).parents if landed in parent.parents
    }
    assert incoming(bob) == []
    return download


def content(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


async def test_only_what_is_wanted_is_delivered_and_it_is_not_served_on(alice: Home, bob: Home) -> None:
    async with sending(alice, bob) as sender, running(bob) as agent:
        await shown(agent, DownloadState.DOWNLOADING)
        await leave_out(agent, 0, 2, 3)
        assert [file.wanted for file in await files(agent)] == [False, True, False, False]
        await until_wanted(agent, SIZES["b/c.mkv"])
        await serve(sender)
        download = await delivered(alice, bob, agent, "b/c.mkv")
        assert "left out some of its files" in download.detail
        assert [(file.progress, file.wanted) for file in await files(agent)] == [
            (0.0, False),
            (1.0, True),
            (0.0, False),
            (0.0, False),
        ]
        await wait_until(lambda: joined(agent) == 0)
        (delivery,) = sender.view.shares()[0].deliveries
        assert delivery.state is not DeliveryState.COMPLETE
        with pytest.raises(Refused, match="complete"):
            await leave_out(agent)
    async with running(bob) as agent:  # and what was delivered is known for what it is
        download = await shown(agent, DownloadState.COMPLETE)
        assert ("left out some of its files" in download.detail, joined(agent)) == (True, 0)


async def test_how_much_of_each_file_is_here_is_told_while_it_arrives(alice: Home, bob: Home) -> None:
    sizes = {"a.mkv": 4_000_000, "b.mkv": 20_000}
    async with (
        sending(alice, bob, paused=False, sizes=sizes, limits={"upload": "1MB"}),
        running(bob) as agent,
    ):
        await wait_until(lambda: bool(agent.view.downloads()))
        async with asyncio.timeout(20):
            while not 0 < (await files(agent))[0].progress < 1:
                await agent.view.changes().wait_for_change(agent.view.changes().revision)


async def test_what_had_arrived_of_a_file_that_is_given_up_is_not_delivered(alice: Home, bob: Home) -> None:
    sizes = {"a.mkv": 6_000_000, "z.mkv": 50_000}
    async with (
        sending(alice, bob, paused=False, sizes=sizes, limits={"upload": "1MB"}),
        running(bob) as agent,
    ):
        await wait_until(lambda: bool(agent.view.downloads()))
        async with asyncio.timeout(20):
            while not (await files(agent))[0].progress:
                await agent.view.changes().wait_for_change(agent.view.changes().revision)
        await leave_out(agent, 0)
        await delivered(alice, bob, agent, "z.mkv")


async def test_a_choice_that_a_crash_cut_off_counts(alice: Home, bob: Home) -> None:
    """It was recorded, and nothing else had happened."""
    async with sending(alice, bob) as sender:
        async with running(bob) as agent:
            await shown(agent, DownloadState.DOWNLOADING)
            (record,) = agent._inbox.repository.downloads.values()
            chosen = replace(record, unwanted=(0,))
            await agent._context.store.run(lambda database: database.save(chosen))
        async with running(bob) as agent:
            await until_wanted(agent, sum(SIZES.values()) - SIZES["a.mkv"])
            await serve(sender)
            await delivered(alice, bob, agent, "b/c.mkv", "b/d/e.mkv", "none")


async def test_a_choice_is_recorded_before_it_is_applied(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sending(alice, bob), running(bob) as agent:
        await shown(agent, DownloadState.DOWNLOADING)
        repository, seen = agent._inbox.repository, list[tuple[int, ...]]()
        leave = repository.leave_swarm

        async def leaving(record: DownloadRecord, *, keep_progress: bool = False) -> None:
            (stored,) = await agent._context.store.run(lambda database: database.downloads())
            seen.append(stored.unwanted)
            await leave(record, keep_progress=keep_progress)

        monkeypatch.setattr(repository, "leave_swarm", leaving)
        await leave_out(agent, 1, 2)
        assert seen == [(1, 2)]


async def test_a_delivery_that_a_crash_cut_off_holds_nothing_unwanted(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_files: DownloadFiles, _record: DownloadRecord, *_torrents: bytes) -> None:
        raise OSError(5, "Input/output error")

    async with sending(alice, bob) as sender:
        async with running(bob) as agent:
            await shown(agent, DownloadState.DOWNLOADING)
            await leave_out(agent, 0)
            (record,) = agent._inbox.repository.downloads.values()
            early = Path(record.staging) / "films" / "a.mkv"
            with monkeypatch.context() as broken:
                broken.setattr(DownloadFiles, "move_payload", fail)
                await serve(sender)
                await shown(agent, DownloadState.PROBLEM)
            early.write_bytes(b"a part of it")
            with pytest.raises(Refused, match="complete"):
                await leave_out(agent)
        async with running(bob) as agent:
            await delivered(alice, bob, agent, "b/c.mkv", "b/d/e.mkv", "none")


async def test_who_wants_more_while_it_is_being_completed_gets_more(alice: Home, bob: Home) -> None:
    """That all of the former choice is here says nothing about the new one."""
    async with sending(alice, bob) as sender, running(bob) as agent:
        await shown(agent, DownloadState.DOWNLOADING)
        await leave_out(agent, 0)
        engine, repository = agent._context.engine, agent._inbox.repository
        (record,) = repository.downloads.values()
        await repository.lock.acquire()
        wish = asyncio.create_task(leave_out(agent))
        await wait_until(lambda: len(repository.lock._waiters or ()) == 1)
        await serve(sender)
        await wait_until(lambda: {one.state for one in engine.all_progress().values()} == {"seeding"})
        await wait_until(lambda: len(repository.lock._waiters or ()) == 2)  # the delivery comes second
        await sender.service.order_share(sender.view.shares()[0].id, ShareAction.PAUSE)
        repository.lock.release()
        await wish
        assert repository.get(record.id).step is DownloadStep.DOWNLOADING
        await serve(sender)
        await delivered(alice, bob, agent, *SIZES)


async def test_what_waits_for_approval_can_be_chosen_from(alice: Home, bob: Home) -> None:
    bob.know(alice.user(verified=False))
    async with sending(alice, bob, paused=False), running(bob) as agent:
        waiting = await shown(agent, DownloadState.WAITING)
        await leave_out(agent, 0)
        assert (joined(agent), incoming(bob)) == (0, [])
        await agent.service.order_download(waiting.id, DownloadAction.APPROVE)
        await delivered(alice, bob, agent, "b/c.mkv", "b/d/e.mkv", "none")


async def test_a_paused_download_stays_paused_when_it_is_chosen_from(alice: Home, bob: Home) -> None:
    async with sending(alice, bob) as sender, running(bob) as agent:
        download = await shown(agent, DownloadState.DOWNLOADING)
        await agent.service.order_download(download.id, DownloadAction.PAUSE)
        await leave_out(agent, 1, 2)
        assert (joined(agent), agent.view.downloads()[0].state) == (0, DownloadState.PAUSED)
        await serve(sender)
        await agent.service.order_download(download.id, DownloadAction.RESUME)
        await delivered(alice, bob, agent, "a.mkv", "none")


async def test_what_waits_for_space_goes_on_when_less_is_wanted(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_files, "_free", lambda _folder: DiskCost(110_000, 1000))
    bob.configure("alice", downloads={"reserve": 0})
    async with sending(alice, bob, paused=False), running(bob) as agent:
        await shown(agent, DownloadState.QUEUED)
        await leave_out(agent, 0)
        await delivered(alice, bob, agent, "b/c.mkv", "b/d/e.mkv", "none")


async def test_a_wrong_choice_changes_nothing(alice: Home, bob: Home) -> None:
    async with sending(alice, bob), running(bob) as agent:
        await shown(agent, DownloadState.DOWNLOADING)
        with pytest.raises(BadInput, match="numbers from 0 to 3"):
            await leave_out(agent, 4)
        for nothing in ((0, 1, 2), (0, 1, 2, 3)):
            with pytest.raises(BadInput, match="Nothing would be left"):
                await leave_out(agent, *nothing)
        with pytest.raises(NotFound):
            await agent.service.choose_files(DownloadId("0" * 32), FileChoice(unwanted=()))
        assert agent._inbox.repository.get(agent.view.downloads()[0].id).unwanted == ()
        assert joined(agent) == 1


def record_of(**changes: Any) -> DownloadRecord:
    record = DownloadRecord(
        id="ab" * 16,
        envelope="x",
        added=1,
        step=DownloadStep.DOWNLOADING,
        size=sum(SIZES.values()),
    )
    return replace(record, **changes)


def torrent_of(payload: Path, *, version: Any = 2) -> bytes:
    return make_torrent(walk(payload), version=version)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": DownloadStep.DELIVERING},
        {"step": DownloadStep.COMPLETE},
        {"step": DownloadStep.PROBLEM, "path": "/downloads/alice/films"},
    ],
)
def test_nothing_is_chosen_from_what_is_complete(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="complete"):
        select_files(record_of(**changes), torrent_of(make_films(tmp_path, SIZES)), (0,))


def test_nothing_is_chosen_from_one_file_or_an_old_torrent(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="one file"):
        select_files(record_of(), torrent_of(fill(tmp_path / "x")), (0,))
    with pytest.raises(Refused, match="v1"):
        select_files(record_of(), torrent_of(make_films(tmp_path, SIZES), version=1), (0,))


def test_sizes_and_leftovers_follow_the_choice(tmp_path: Path) -> None:
    films = make_films(tmp_path, SIZES)
    torrent = torrent_of(films)
    record = select_files(record_of(), torrent, (2, 0, 2))
    # Two files of 18 and no blocks, in two folders.
    assert (record.unwanted, record.cost, record.entries) == ((0, 2), (18 + 4) * 4096, 4)
    for _ in range(2):  # a crash may come between
        drop_unwanted(record, torrent, films)
        assert set(content(films)) == {"b/c.mkv", "none"}
        assert not (films / "b" / "d").exists()
    assert select_files(record, torrent, ()).unwanted == ()
