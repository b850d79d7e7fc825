"""What a person wants of a download: whole agents with real folders and a real swarm."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.agent.agent_pairs import rejected, running, shown
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.files import INCOMING, DownloadFiles
from tuishare.api.messages import Download, DownloadAction, DownloadId, DownloadState, ShareAction, ShareState
from tuishare.core.records import DownloadStep
from tuishare.errors import NotFound, Refused, SystemFailed

ENVELOPE = "x.torrent.encrypted"
SIZE = 400_000


@asynccontextmanager
async def sending(alice: Home, bob: Home, *, paused: bool = False) -> AsyncIterator[Agent]:
    """Alice's agent, whose envelope is in Bob's inbox."""
    if not (alice.drop / "x").exists():
        fill(alice.drop / "x", SIZE)
    async with running(alice) as agent:
        share = await until(agent, "x", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        if paused:
            await agent.service.order_share(share.id, ShareAction.PAUSE)
        bob.receive(alice.outbox / ENVELOPE)
        yield agent


async def serve(agent: Agent) -> None:
    await agent.service.order_share(agent.view.shares()[0].id, ShareAction.RESUME)


async def complete(alice: Home, bob: Home, agent: Agent) -> Download:
    download = await shown(agent, DownloadState.COMPLETE)
    assert (bob.downloads / "alice" / "x").read_bytes() == (alice.drop / "x").read_bytes()
    assert os.listdir(bob.inbox / "accepted") == [ENVELOPE]
    return download


def joined(agent: Agent) -> int:
    return len(agent._context.engine.all_progress())


def incoming(home: Home) -> list[str]:
    folder = home.downloads / INCOMING
    return os.listdir(folder) if folder.exists() else []


async def test_what_is_approved_is_downloaded_and_nothing_before(alice: Home, bob: Home) -> None:
    """T2"""
    bob.know(alice.user(verified=False))
    async with sending(alice, bob), running(bob) as agent:
        waiting = await shown(agent, DownloadState.WAITING)
        assert (joined(agent), incoming(bob)) == (0, [])
        await agent.service.order_download(waiting.id, DownloadAction.APPROVE)
        await complete(alice, bob, agent)
        with pytest.raises(Refused, match="approval"):
            await agent.service.order_download(waiting.id, DownloadAction.APPROVE)


async def test_an_approval_counts_over_a_restart(alice: Home, bob: Home) -> None:
    bob.know(alice.user(verified=False))
    async with sending(alice, bob, paused=True) as sender:
        async with running(bob) as agent:
            waiting = await shown(agent, DownloadState.WAITING)
            await agent.service.order_download(waiting.id, DownloadAction.APPROVE)
            await shown(agent, DownloadState.DOWNLOADING)
        await serve(sender)
        async with running(bob) as agent:
            await complete(alice, bob, agent)


async def test_what_is_rejected_stays_away(alice: Home, bob: Home) -> None:
    """T5: nor does it come back by another copy of the envelope, or once its sender is verified."""
    bob.know(alice.user(verified=False))
    async with sending(alice, bob), running(bob) as agent:
        data = (bob.inbox / ENVELOPE).read_bytes()
        waiting = await shown(agent, DownloadState.WAITING)
        await agent.service.order_download(waiting.id, DownloadAction.REJECT)
        assert "You rejected it" in await rejected(bob, ENVELOPE)
        assert [download.state for download in agent.view.downloads()] == [DownloadState.REJECTED]
        bob.know(alice.user())
        (bob.inbox / "copy.torrent.encrypted").write_bytes(data)
        assert "received before" in await rejected(bob, "copy.torrent.encrypted")
    assert not (bob.downloads / "alice").exists()


async def test_a_rejection_that_a_crash_cut_off_still_counts(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob.know(alice.user(verified=False))
    async with sending(alice, bob):
        async with running(bob) as agent:
            waiting = await shown(agent, DownloadState.WAITING)
            record = agent._inbox.repository.get(waiting.id)
            await agent._context.store.run(lambda database: database.record_rejection(record))
        async with running(bob) as agent:
            assert "received before" in await rejected(bob, ENVELOPE)
            assert agent._inbox.repository.downloads == {}


async def test_a_paused_download_rests_also_after_a_restart_until_it_is_resumed(
    alice: Home, bob: Home
) -> None:
    async with sending(alice, bob, paused=True) as sender:
        async with running(bob) as agent:
            download = await shown(agent, DownloadState.DOWNLOADING)
            await agent.service.order_download(download.id, DownloadAction.PAUSE)
            assert (agent.view.downloads()[0].state, joined(agent)) == (DownloadState.PAUSED, 0)
        await serve(sender)
        async with running(bob) as agent:
            await agent._inbox.queue._start_queued()
            assert (agent.view.downloads()[0].state, joined(agent)) == (DownloadState.PAUSED, 0)
            await agent.service.order_download(download.id, DownloadAction.RESUME)
            await complete(alice, bob, agent)


async def test_what_waits_for_approval_cannot_rest(alice: Home, bob: Home) -> None:
    """It would be shown as paused, and nobody would see that it waits for him."""
    bob.know(alice.user(verified=False))
    async with sending(alice, bob), running(bob) as agent:
        waiting = await shown(agent, DownloadState.WAITING)
        with pytest.raises(Refused, match="waits for approval"):
            await agent.service.order_download(waiting.id, DownloadAction.PAUSE)
        assert agent.view.downloads()[0].state is DownloadState.WAITING


async def test_an_approval_ends_a_rest(alice: Home, bob: Home) -> None:
    bob.know(alice.user(verified=False))
    async with sending(alice, bob), running(bob) as agent:
        waiting = await shown(agent, DownloadState.WAITING)
        repository = agent._inbox.repository
        await repository.save(replace(repository.get(waiting.id), paused=True))
        await agent.service.order_download(waiting.id, DownloadAction.APPROVE)
        await complete(alice, bob, agent)


async def test_a_new_generation_of_what_rests_unfinished_rests_too(alice: Home, bob: Home) -> None:
    async with sending(alice, bob, paused=True) as sender, running(bob) as agent:
        download = await shown(agent, DownloadState.DOWNLOADING)
        await agent.service.order_download(download.id, DownloadAction.PAUSE)
        fill(alice.drop / "x", SIZE)
        await serve(sender)
        await until(sender, "x", ShareState.SEEDING, generation=2)
        await wait_until((alice.outbox / ENVELOPE).exists)
        bob.receive(alice.outbox / ENVELOPE)
        await wait_until(lambda: agent.view.downloads()[0].generation == 2)
        assert (agent.view.downloads()[0].state, joined(agent)) == (DownloadState.PAUSED, 0)
        await agent.service.order_download(download.id, DownloadAction.RESUME)
        await complete(alice, bob, agent)


async def test_a_delivered_download_can_rest_too(alice: Home, bob: Home) -> None:
    async with sending(alice, bob), running(bob) as agent:
        download = await complete(alice, bob, agent)
        await wait_until(lambda: joined(agent) == 1)
        await agent.service.order_download(download.id, DownloadAction.PAUSE)
        assert joined(agent) == 0
        await agent.service.order_download(download.id, DownloadAction.RESUME)
        assert (joined(agent), agent.view.downloads()[0].state) == (1, DownloadState.COMPLETE)


@pytest.mark.parametrize("order", [DownloadAction.FORGET, DownloadAction.DELETE])
async def test_what_is_stopped_half_way_leaves_nothing_and_is_not_taken_again(
    alice: Home, bob: Home, order: DownloadAction
) -> None:
    async with sending(alice, bob, paused=True) as sender, running(bob) as agent:
        data = (bob.inbox / ENVELOPE).read_bytes()
        download = await shown(agent, DownloadState.DOWNLOADING)
        await wait_until(lambda: incoming(bob) != [])
        await agent.service.order_download(download.id, order)
        assert (joined(agent), incoming(bob), agent._inbox.repository.downloads) == (0, [], {})
        assert "You stopped" in await rejected(bob, ENVELOPE)
        await serve(sender)
        (bob.inbox / "copy.torrent.encrypted").write_bytes(data)
        assert "received before" in await rejected(bob, "copy.torrent.encrypted")


async def test_forget_keeps_what_was_delivered(alice: Home, bob: Home) -> None:
    async with sending(alice, bob):
        async with running(bob) as agent:
            download = await complete(alice, bob, agent)
            await agent.service.order_download(download.id, DownloadAction.FORGET)
            assert (agent.view.downloads(), joined(agent)) == ([], 0)
        async with running(bob) as agent:
            assert agent.view.downloads() == []
    assert (bob.downloads / "alice" / "x").read_bytes() == (alice.drop / "x").read_bytes()


async def test_delete_takes_what_was_delivered_and_never_what_a_link_points_to(
    alice: Home, bob: Home
) -> None:
    outside = fill(bob.places.files / "outside")
    async with sending(alice, bob), running(bob) as agent:
        download = await complete(alice, bob, agent)
        landed = bob.downloads / "alice" / "x"
        landed.unlink()
        landed.symlink_to(outside)
        await agent.service.order_download(download.id, DownloadAction.DELETE)
        assert (agent.view.downloads(), os.listdir(landed.parent)) == ([], [])
    assert outside.exists()


async def test_delete_leaves_what_was_added_to_what_was_delivered(alice: Home, bob: Home) -> None:
    folder = alice.drop / "x"
    (folder / "sub").mkdir(parents=True)
    for name in ("a", "sub/b"):
        fill(folder / name)
    async with sending(alice, bob), running(bob) as agent:
        download = await shown(agent, DownloadState.COMPLETE)
        landed = bob.downloads / "alice" / "x"
        (landed / "sub" / ".mine").write_text("mine")
        (landed / "empty").mkdir()
        await agent.service.order_download(download.id, DownloadAction.DELETE)
        assert agent.view.downloads() == []
    left = sorted(str(path.relative_to(landed)) for path in landed.rglob("*"))
    assert left == ["empty", "sub", "sub/.mine"]


async def test_a_deletion_that_fails_keeps_the_download_in_the_list(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SystemFailed("Cannot delete it: permission denied")

    async with sending(alice, bob), running(bob) as agent:
        download = await complete(alice, bob, agent)
        with monkeypatch.context() as patch:
            patch.setattr(DownloadFiles, "delete", refuse)
            with pytest.raises(SystemFailed):
                await agent.service.order_download(download.id, DownloadAction.DELETE)
        assert [found.id for found in agent.view.downloads()] == [download.id]
        await agent.service.order_download(download.id, DownloadAction.DELETE)
        assert (agent.view.downloads(), os.listdir(bob.downloads / "alice")) == ([], [])


async def test_delete_takes_nothing_that_was_never_delivered(alice: Home, bob: Home) -> None:
    """A name may be chosen, and then taken by somebody else."""
    somebodys = bob.downloads / "x"
    async with sending(alice, bob, paused=True), running(bob) as agent:
        download = await shown(agent, DownloadState.DOWNLOADING)
        somebodys.write_text("somebody's")
        record = agent._inbox.repository.get(download.id)
        await agent._inbox.repository.save(replace(record, step=DownloadStep.PROBLEM, path=str(somebodys)))
        await agent.service.order_download(download.id, DownloadAction.DELETE)
        assert agent._inbox.repository.downloads == {}
    assert somebodys.read_text() == "somebody's"


async def test_an_approved_generation_replaces_the_one_before(alice: Home, bob: Home) -> None:
    async with sending(alice, bob) as sender, running(bob) as agent:
        first = await complete(alice, bob, agent)
        bob.know(alice.user(verified=False))
        fill(alice.drop / "x", SIZE)
        await until(sender, "x", ShareState.SEEDING, generation=2)
        await wait_until((alice.outbox / ENVELOPE).exists)
        bob.receive(alice.outbox / ENVELOPE)
        waiting = await shown(agent, DownloadState.WAITING)
        assert (waiting.id, os.listdir(bob.downloads / "alice")) == (first.id, ["x"])
        await agent.service.order_download(waiting.id, DownloadAction.APPROVE)
        await shown(agent, DownloadState.COMPLETE)
        assert os.listdir(bob.downloads / "alice") == ["x"]
        assert (bob.downloads / "alice" / "x").read_bytes() == (alice.drop / "x").read_bytes()


async def test_what_does_not_fit_waits_says_so_and_goes_on_when_there_is_space(
    alice: Home, bob: Home
) -> None:
    bob.configure(downloads={"reserve": 1 << 40})
    async with sending(alice, bob), running(bob) as agent:
        queued = await shown(agent, DownloadState.QUEUED)
        assert "waits for space" in queued.detail
        assert joined(agent) == 0
        await agent._inbox.queue._start_queued()
        assert [download.state for download in agent.view.downloads()] == [DownloadState.QUEUED]
        agent._inbox.queue._files = DownloadFiles(agent._context.settings.current.folders, reserve=0)
        await agent._inbox.queue._start_queued()
        done = await complete(alice, bob, agent)
        assert done.detail == ""


async def test_what_waits_for_space_goes_on_after_a_restart_with_a_lower_reserve(
    alice: Home, bob: Home
) -> None:
    bob.configure(downloads={"reserve": 1 << 40})
    async with sending(alice, bob):
        async with running(bob) as agent:
            await shown(agent, DownloadState.QUEUED)
        bob.configure(downloads={"reserve": 0})
        async with running(bob) as agent:
            await complete(alice, bob, agent)


async def test_an_order_for_no_download_is_not_found(bob: Home) -> None:
    async with running(bob) as agent:
        for order in DownloadAction:
            with pytest.raises(NotFound):
                await agent.service.order_download(DownloadId("0" * 32), order)
