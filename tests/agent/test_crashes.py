"""Killed at chosen points of all journeys: never anything half to be seen, and always resumed.

A point that is no longer reached fails its test, because the victim then does not die. `crash_points` tries
all there are.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.crashing import beginning
from tests.agent.download_journeys import Approve, Follow, FollowName, Reject
from tests.agent.homes import Home, fill
from tests.agent.introduction_journeys import GiveIntroduction, TakeIntroduction
from tests.agent.journeys import Change, Delete, Forget, Journey, Rename, Withdraw, seen
from tests.agent.link_journeys import HandOver, Join, ReceiveByLink
from tests.agent.membership_journeys import Revoke, Rotate, TakeTickets
from tests.waiting import wait_until
from tuishare.agent.downloads.files import INCOMING
from tuishare.api.messages import DownloadState, ShareState
from tuishare.envelope import CardKey, open_envelope

PATIENCE = 30.0
SIZE = 100_000

SAVE = "tuishare.core.database:Database.save"
SEAT = "tuishare.core.database:Database.set_recipients"
ADMIT = "tuishare.core.database:Database.admit"
ADD = "tuishare.swarm.engine:Engine.add"
FLUSH = "tuishare.swarm.engine:Engine.flush"
REMOVE = "tuishare.swarm.engine:Engine.remove"
WRITE = "tuishare.fs.atomic:_write_synced"
SYNC_FOLDER = "tuishare.fs.atomic:fsync_folder"
MOVE = "tuishare.agent.downloads.files:move_into_place"
HASH = "tuishare.agent.shares.pipeline:make_torrent"

DROP = [
    (SAVE, "before", 1), (HASH, "after", 1), (SAVE, "after", 2), (WRITE, "after", 1), (SYNC_FOLDER, "before", 1),
    (SEAT, "after", 1), (SAVE, "before", 3), (ADD, "before", 1), (ADD, "after", 1),
]  # fmt: skip
INBOX = [
    (ADMIT, "after", 1), (ADD, "after", 1), (FLUSH, "before", 1), (FLUSH, "after", 1), (REMOVE, "after", 1),
    (SAVE, "after", 1), (MOVE, "before", 1), (MOVE, "after", 1), (MOVE, "after", 2), (SAVE, "after", 2),
]  # fmt: skip


def name(point: tuple[str, str, int]) -> str:
    where, when, count = point
    return f"{when} {where.rpartition(':')[2]} {count}"


async def kill_at(home: Home, point: tuple[str, str, int]) -> None:
    """Run an agent until it dies there."""
    environment = {**os.environ, "TUISHARE_HOME": str(home.places.files)}
    arguments = (sys.executable, "-m", "tests.agent.killed_agent", point[0], point[1], str(point[2]))
    victim = await asyncio.create_subprocess_exec(*arguments, env=environment)
    try:
        async with asyncio.timeout(PATIENCE):
            assert await victim.wait() == -signal.SIGKILL
    finally:
        if victim.returncode is None:
            victim.kill()
            await victim.wait()


@pytest.mark.parametrize("point", DROP, ids=name)
async def test_a_drop_survives(alice: Home, bob: Home, point: tuple[str, str, int]) -> None:
    path = fill(alice.drop / "x", SIZE)
    await kill_at(alice, point)
    key = CardKey(bob.identity.private_key)
    for envelope in seen(alice.outbox):
        open_envelope((alice.outbox / envelope).read_bytes(), [key])  # whole, or not there
    async with running(alice) as agent:
        await wait_until(
            lambda: [share.state for share in agent.view.shares()] == [ShareState.SEEDING], seconds=PATIENCE
        )
        await wait_until(lambda: len(agent._context.engine.all_progress()) == 1)
        (share,) = agent.view.shares()
        assert (share.name, share.generation, share.path) == ("x", 1, str(path))
    assert seen(alice.outbox) == ["x.torrent.encrypted"]
    assert os.listdir(alice.outbox) == seen(alice.outbox)
    opened = open_envelope((alice.outbox / "x.torrent.encrypted").read_bytes(), [key])
    assert opened.manifest.share_id.hex() == share.id


@pytest.mark.parametrize("point", INBOX, ids=name)
async def test_a_download_survives(alice: Home, bob: Home, point: tuple[str, str, int]) -> None:
    path = fill(alice.drop / "x", SIZE)
    async with running(alice):
        envelope = alice.outbox / "x.torrent.encrypted"
        await wait_until(envelope.exists)
        bob.receive(envelope)
        await kill_at(bob, point)
        landed = bob.downloads / "alice" / "x"
        for found in bob.downloads.glob("[!.]*/*"):
            assert (found, found.read_bytes()) == (landed, path.read_bytes())  # whole, or not there
        async with running(bob) as agent:
            await wait_until(
                lambda: [download.state for download in agent.view.downloads()] == [DownloadState.COMPLETE],
                seconds=PATIENCE,
            )
            (download,) = agent.view.downloads()
            assert (download.path, download.detail) == (str(landed), "")
    assert landed.read_bytes() == path.read_bytes()
    assert os.listdir(bob.downloads / "alice") == ["x"]
    assert os.listdir(bob.downloads / INCOMING) == []
    assert seen(bob.inbox) == ["accepted"]
    assert os.listdir(bob.inbox / "accepted") == ["x.torrent.encrypted"]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (Change, 30), (Change, 38), (Rename, 36), (Rename, 44), (Withdraw, 24), (Forget, 26), (Delete, 36),
        (Approve, 36), (Reject, 28), (Follow, 34), (Follow, 60), (FollowName, 50), (Revoke, 30),
        (Rotate, 40), (TakeTickets, 26), (Join, 59), (HandOver, 52), (ReceiveByLink, 48),
        (GiveIntroduction, 36), (TakeIntroduction, 44),
    ],
)  # fmt: skip
async def test_a_sample_of_all_points(root: Path, kind: type[Journey], number: int) -> None:
    async with beginning(kind, root) as stage:
        assert await stage.kill_at(number)


async def test_killed_again_and_again_it_still_arrives(alice: Home, bob: Home) -> None:
    """Each crash a step further than the one before."""
    path = fill(alice.drop / "x", SIZE)
    await kill_at(alice, (HASH, "after", 1))
    await kill_at(alice, (WRITE, "after", 1))
    await kill_at(alice, (SYNC_FOLDER, "before", 1))
    async with running(alice) as agent:
        # Not the one of the former run: that names the port of then.
        await wait_until(lambda: [share.state for share in agent.view.shares()] == [ShareState.SEEDING])
        envelope = alice.outbox / "x.torrent.encrypted"
        bob.receive(envelope)
        for point in ((ADMIT, "after", 1), (ADD, "after", 1), (FLUSH, "after", 1), (MOVE, "after", 1)):
            await kill_at(bob, point)
        async with running(bob):
            landed = bob.downloads / "alice" / "x"
            await wait_until(landed.exists)
            await wait_until(lambda: seen(bob.inbox) == ["accepted"])
    assert landed.read_bytes() == path.read_bytes()
    assert os.listdir(bob.downloads / "alice") == ["x"]
