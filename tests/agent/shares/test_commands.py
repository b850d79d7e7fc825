"""What an owner wants of a share, and what becomes of one whose entry goes: whole agents with real folders."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.folders.fingerprint import delete_payload, walk_payload
from tuishare.agent.shares import commands, pipeline
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.api.messages import NewShare, Share, ShareAction, ShareId, ShareState
from tuishare.core.clock import wall_clock
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import NotFound, Refused, SystemFailed
from tuishare.torrents import Tree, Version, make_torrent

ENVELOPE = "x.torrent.encrypted"
pytestmark = pytest.mark.usefixtures("bob")


async def seeded(agent: Agent, generation: int = 1) -> Share:
    share = await until(agent, "x", ShareState.SEEDING, generation)
    await wait_until(lambda: is_idle(agent._drops.queue))
    return share


def served(agent: Agent) -> int:
    return len(agent._context.engine.all_progress())


def record(agent: Agent) -> ShareRecord:
    (share,) = agent._drops.repository.shares.values()
    return share


async def test_a_paused_share_serves_nobody_also_after_a_restart_until_it_is_resumed(alice: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        share = await seeded(agent)
        await agent.service.order_share(share.id, ShareAction.PAUSE)
        assert [s.state for s in agent.view.shares()] == [ShareState.PAUSED]
        assert served(agent) == 0
    async with running(alice) as agent:
        await come_to_rest(agent)
        assert ([s.state for s in agent.view.shares()], served(agent)) == ([ShareState.PAUSED], 0)
        await agent.service.order_share(share.id, ShareAction.RESUME)
        await wait_until(lambda: served(agent) == 1)
        assert (await seeded(agent)).generation == 1


async def test_what_is_forgotten_stays_away_until_it_changes(alice: Home) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as agent:
        share = await seeded(agent)
        await agent.service.order_share(share.id, ShareAction.FORGET)
        assert (agent.view.shares(), served(agent), os.listdir(alice.outbox)) == ([], 0, [])
        await come_to_rest(agent)
        assert agent.view.shares() == []
    async with running(alice) as agent:
        await come_to_rest(agent)
        assert (agent.view.shares(), os.listdir(alice.outbox)) == ([], [])
        fill(path)
        again = await seeded(agent)
        assert (again.id != share.id, os.listdir(alice.outbox)) == (True, [ENVELOPE])


@pytest.mark.parametrize("touched", ["x", "x/y"])
async def test_what_is_forgotten_comes_back_when_it_is_touched_as_the_hint_says(
    alice: Home, touched: str
) -> None:
    made = alice.places.files / "x"
    if touched != "x":
        made.mkdir()
    fill(alice.places.files / touched)
    made.rename(alice.drop / "x")
    new = NewShare(path=str(alice.drop / "x"), recipients=("bob",))
    async with running(alice) as agent:
        share = await seeded(agent)
        with pytest.raises(Refused) as refused:
            await agent.service.share(new)
        assert "touch" not in refused.value.hint
        await agent.service.order_share(share.id, ShareAction.FORGET)
        await come_to_rest(agent)
        with pytest.raises(Refused, match="drop folder") as refused:
            await agent.service.share(new)
        assert "touch" in refused.value.hint
        (alice.drop / touched).touch()
        assert (await seeded(agent)).id != share.id


async def test_what_is_forgotten_and_then_deleted_leaves_no_trace(alice: Home) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as agent:
        await agent.service.order_share((await seeded(agent)).id, ShareAction.FORGET)
        path.unlink()
        await wait_until(lambda: agent._drops.repository.shares == {})


async def test_delete_takes_the_payload_too_and_never_what_links_point_to(alice: Home) -> None:
    outside = alice.places.files / "outside"
    outside.mkdir()
    kept = fill(outside / "kept")
    made = alice.places.files / "x"
    (made / "sub").mkdir(parents=True)
    fill(made / "own")
    (made / "file").symlink_to(kept)
    (made / "sub" / "folder").symlink_to(outside, target_is_directory=True)
    made.rename(alice.drop / "x")
    async with running(alice) as agent:
        share = await seeded(agent)
        await agent.service.order_share(share.id, ShareAction.DELETE)
        assert (served(agent), os.listdir(alice.outbox)) == (0, [])
        assert not (alice.drop / "x").exists()
        await come_to_rest(agent)
        assert agent.view.shares() == []
    assert os.listdir(outside) == ["kept"]


def test_an_entry_that_became_a_link_is_deleted_and_not_followed(alice: Home) -> None:
    kept = alice.places.files / "kept"
    kept.mkdir()
    fill(kept / "file")
    link = alice.drop / "link"
    link.symlink_to(kept, target_is_directory=True)
    delete_payload(link)
    assert (os.path.lexists(link), os.listdir(kept)) == (False, ["file"])


async def test_a_deletion_that_fails_is_shown_and_what_is_left_is_not_shared(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "x")

    def refuse(_path: Path) -> None:
        raise SystemFailed("Cannot delete it: permission denied")

    async with running(alice) as agent:
        share = await seeded(agent)
        with monkeypatch.context() as patch:
            patch.setattr(commands, "delete_payload", refuse)
            with pytest.raises(SystemFailed):
                await agent.service.order_share(share.id, ShareAction.DELETE)
        fill(path)
        await come_to_rest(agent)
        (shown,) = agent.view.shares()
        assert (shown.id, shown.state, "permission denied" in shown.detail) == (
            share.id,
            ShareState.PROBLEM,
            True,
        )
        assert (served(agent), os.listdir(alice.outbox)) == (0, [])
    async with running(alice) as agent:  # tried once more
        assert (agent.view.shares(), path.exists()) == ([], False)


@pytest.mark.parametrize("step", [ShareStep.DELETING, ShareStep.FORGOTTEN])
async def test_what_was_asked_for_is_finished_after_a_crash(alice: Home, step: ShareStep) -> None:
    """The crash came right after the wish was recorded."""
    path = fill(alice.drop / "x")
    async with running(alice) as agent:
        await seeded(agent)
        kept = record(agent)
    data = (alice.outbox / ENVELOPE).read_bytes()
    async with running(alice) as agent:
        await seeded(agent)
        await agent._drops.repository.save(replace(kept, step=step))
    (alice.outbox / ENVELOPE).write_bytes(data)
    async with running(alice) as agent:
        await come_to_rest(agent)
        assert (agent.view.shares(), served(agent), os.listdir(alice.outbox)) == ([], 0, [])
        assert path.exists() is (step is ShareStep.FORGOTTEN)


async def test_share_again_makes_a_new_envelope_with_a_new_authority(alice: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        first = await seeded(agent)
        authority = record(agent).root_certificate
        (alice.outbox / ENVELOPE).unlink()  # sent on
        await agent.service.order_share(first.id, ShareAction.AGAIN)
        again = await seeded(agent, generation=2)
        assert (again.id, os.listdir(alice.outbox)) == (first.id, [ENVELOPE])
        assert record(agent).root_certificate != authority


async def test_a_deleted_entry_is_withdrawn_with_its_envelope_and_comes_back_as_itself(alice: Home) -> None:
    path = fill(alice.drop / "x")
    away = alice.places.files / "away"
    async with running(alice) as agent:
        first = await seeded(agent)
        path.rename(away)
        await until(agent, "x", ShareState.WITHDRAWN)
        await wait_until(lambda: os.listdir(alice.outbox) == [])
        assert served(agent) == 0
        away.rename(path)
        assert (await seeded(agent, generation=2)).id == first.id
        assert os.listdir(alice.outbox) == [ENVELOPE]


async def test_what_was_deleted_while_nobody_watched_is_withdrawn(alice: Home) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as agent:
        await seeded(agent)
    path.unlink()
    async with running(alice) as agent:
        await until(agent, "x", ShareState.WITHDRAWN)
        await wait_until(lambda: os.listdir(alice.outbox) == [])


@pytest.mark.parametrize("how", ["while it runs", "between two runs"])
async def test_a_drop_folder_that_is_not_mounted_withdraws_nothing(alice: Home, how: str) -> None:
    """Its place is an empty folder then; the marker is what tells."""
    alice.configure("bob", settle={"rescan": 0.1})
    away = alice.drop.with_name("disk")
    fill(alice.drop / "x")

    def unmount() -> None:
        alice.drop.rename(away)
        alice.drop.mkdir()

    async with running(alice) as agent:
        share = await seeded(agent)
        if how == "while it runs":
            unmount()
            await wait_until(lambda: agent.view.status().drop_folders[0].state.value == "missing")
            assert [found.state for found in agent.view.shares()] != [ShareState.WITHDRAWN]
    if how == "between two runs":
        unmount()
    async with running(alice) as agent:
        await wait_until(lambda: is_idle(agent._drops.queue))
        assert agent.view.status().drop_folders[0].state.value == "missing"
        assert [found.state for found in agent.view.shares()] == [ShareState.PROBLEM]  # and why
        assert os.listdir(alice.outbox) == [ENVELOPE]
        alice.drop.rmdir()
        away.rename(alice.drop)
        again = await seeded(agent)
        assert (again.id, again.generation, os.listdir(alice.outbox)) == (share.id, 1, [ENVELOPE])


class Hashing:
    """Lets `make_torrent` wait until it is `released`, or called again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        monkeypatch.setattr(pipeline, "make_torrent", self)

    def __call__(self, tree: Tree, *, version: Version, **more: Any) -> bytes:
        if not self.begun.is_set():
            self.begun.set()
            assert self.released.wait(30)
        return make_torrent(tree, version=version, **more)


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hashing]:
    hashing = Hashing(monkeypatch)
    yield hashing
    hashing.released.set()


async def in_work(agent: Agent, hashing: Hashing) -> ShareId:
    await wait_until(hashing.begun.is_set)
    assert agent._drops.queue.is_working_on(record(agent))
    return ShareId(record(agent).id)


async def test_what_is_deleted_while_it_is_hashed_is_withdrawn(alice: Home, hashing: Hashing) -> None:
    async with running(alice) as agent:
        path = fill(alice.drop / "x")
        await in_work(agent, hashing)
        path.unlink()
        await until(agent, "x", ShareState.WITHDRAWN)
        hashing.released.set()


async def test_a_share_that_is_paused_while_it_is_hashed_is_hashed_when_it_is_resumed(
    alice: Home, hashing: Hashing
) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        share = await in_work(agent, hashing)
        await agent.service.order_share(share, ShareAction.PAUSE)
        assert agent.view.shares()[0].state is ShareState.PAUSED
        hashing.released.set()
        await come_to_rest(agent)
    async with running(alice) as agent:
        await come_to_rest(agent)
        assert (record(agent).step, os.listdir(alice.outbox)) == (ShareStep.HASHING, [])
        await agent.service.order_share(share, ShareAction.RESUME)
        await seeded(agent)


async def test_resuming_what_is_being_hashed_does_not_begin_it_again(alice: Home, hashing: Hashing) -> None:
    async with running(alice) as agent:
        fill(alice.drop / "x")
        share = await in_work(agent, hashing)
        work = agent._drops.queue._at_work[share]
        await agent.service.order_share(share, ShareAction.RESUME)
        assert agent._drops.queue._at_work[share] is work
        hashing.released.set()
        await seeded(agent)


@pytest.mark.parametrize("order", [ShareAction.FORGET, ShareAction.DELETE, ShareAction.AGAIN])
async def test_what_is_being_hashed_obeys_at_once(alice: Home, hashing: Hashing, order: ShareAction) -> None:
    async with running(alice) as agent:
        path = fill(alice.drop / "x")
        share = await in_work(agent, hashing)
        await agent.service.order_share(share, order)
        if order is ShareAction.AGAIN:
            await seeded(agent)
        hashing.released.set()
        if order is not ShareAction.AGAIN:
            assert agent.view.shares() == []
            await come_to_rest(agent)
            assert (agent.view.shares(), os.listdir(alice.outbox)) == ([], [])
        assert path.exists() is (order is not ShareAction.DELETE)


@pytest.mark.parametrize("order", [ShareAction.FORGET, ShareAction.DELETE])
async def test_an_entry_that_waited_for_its_turn_meanwhile_is_not_shared_again(
    alice: Home, order: ShareAction
) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as agent:
        share = await seeded(agent)
        admission = agent._drops.admission
        changing = agent._drops.repository.lock
        async with changing:
            ordered = asyncio.create_task(agent.service.order_share(share.id, order))
            await wait_until(lambda: len(changing._waiters or ()) == 1)
            taken = asyncio.create_task(
                admission.accept(
                    walk_payload(path, str(alice.drop)), ShareTarget(("bob",), "tls", str(alice.drop))
                )
            )
            await wait_until(lambda: len(changing._waiters or ()) == 2)
        await asyncio.gather(ordered, taken)
        assert agent.view.shares() == []


async def test_an_expired_share_is_withdrawn_and_not_made_again(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.places.files / "x")
    async with running(alice) as agent:
        end = int(wall_clock().timestamp()) + 3600
        new = NewShare(path=str(path), recipients=("bob",), not_after=end)
        identifier = (await agent.service.share(new)).id
        await seeded(agent)
        await agent._drops.commands.withdraw_expired()
        assert served(agent) == 1
        agent._context.clock.read = lambda: wall_clock() + timedelta(hours=2)
        await agent._drops.commands.withdraw_expired()
        assert (served(agent), os.listdir(alice.outbox), path.exists()) == (0, [], True)
        assert [share.state for share in agent.view.shares()] == [ShareState.WITHDRAWN]
        with pytest.raises(Refused, match="expired"):
            await agent.service.order_share(ShareId(identifier), ShareAction.AGAIN)


async def test_the_agent_itself_looks_what_has_expired(alice: Home) -> None:
    path = fill(alice.places.files / "x")
    async with running(alice) as agent:
        now = int(wall_clock().timestamp())
        await agent.service.share(NewShare(path=str(path), recipients=("bob",), not_after=now + 3600))
        await seeded(agent)
        share = record(agent)
        await agent._drops.repository.save(replace(share, not_after=now - 1))
    async with running(alice) as agent:
        await until(agent, "x", ShareState.WITHDRAWN)
        assert served(agent) == 0


async def test_an_order_for_no_share_is_not_found(alice: Home) -> None:
    async with running(alice) as agent:
        for order in ShareAction:
            with pytest.raises(NotFound):
                await agent.service.order_share(ShareId("0" * 32), order)
