"""What a torrent has not is told on both sides."""

from __future__ import annotations

import os
from pathlib import Path

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.folders.ignore_rules import IGNORE_FILE
from tuishare.api.messages import ActivityKind, Download, DownloadState, LeftOut, Share, ShareState
from tuishare.core.left_out import LeftOutReason

LINK = LeftOut(reason=LeftOutReason.LINK, number=1, names=("link",))
EMPTY = LeftOut(reason=LeftOutReason.EMPTY_FOLDER, number=1, names=("empty",))
TEMPORARY = LeftOut(reason=LeftOutReason.TEMPORARY, number=1, names=("a.tmp",))
PATTERN = LeftOut(reason=LeftOutReason.PATTERN, number=1, names=("plan",))
PROGRAM = LeftOut(reason=LeftOutReason.EXECUTABLE, number=1, names=("run",))


def make_project(drop: Path) -> Path:
    (drop / IGNORE_FILE).write_text("plan\n")
    (outside := drop.with_name("outside")).mkdir()
    for name in ("a", "a.tmp", "plan"):
        fill(outside / name)
    (outside / "run").write_bytes(b"#!/bin/sh\n")
    (outside / "run").chmod(0o755)
    (outside / "link").symlink_to("a")
    (outside / "empty").mkdir()
    return outside.rename(drop / "project")


async def seeded(agent: Agent) -> Share:
    await wait_until(lambda: [each.state for each in agent.view.shares()] == [ShareState.SEEDING])
    (share,) = agent.view.shares()
    return share


async def received(agent: Agent) -> Download:
    await wait_until(lambda: [each.state for each in agent.view.downloads()] == [DownloadState.COMPLETE])
    (download,) = agent.view.downloads()
    return download


async def told(agent: Agent) -> list[str]:
    return [each.detail for each in await agent.service.activity(100) if each.kind is ActivityKind.IGNORED]


async def test_both_sides_are_told_once_what_is_left_out(alice: Home, bob: Home) -> None:
    async with running(alice) as sender, running(bob) as receiver:
        make_project(alice.drop)
        share = await seeded(sender)
        assert share.left_out == (LINK, EMPTY, TEMPORARY, PATTERN, PROGRAM)
        (envelope,) = os.listdir(alice.outbox)
        bob.receive(alice.outbox / envelope)
        download = await received(receiver)
        assert download.left_out == (LINK, EMPTY, TEMPORARY, PROGRAM), (
            "not what its owner keeps for themselves"
        )
        assert not os.access(Path(download.path) / "run", os.X_OK)
        assert await told(sender) == ["link, empty, a.tmp, plan, run"]
        assert await told(receiver) == ["by alice: link, empty, a.tmp, run"]


async def test_it_stays_true_without_a_new_version(alice: Home, bob: Home) -> None:
    async with running(alice) as sender:
        project = make_project(alice.drop)
        await seeded(sender)
        (project / "other").symlink_to("a")
        (project / "empty").rmdir()

        def names() -> list[str]:
            (share,) = sender.view.shares()
            return [name for each in share.left_out for name in each.names]

        await wait_until(lambda: names() == ["link", "other", "a.tmp", "plan", "run"])
        await come_to_rest(sender)
        share = await seeded(sender)
        assert share.generation == 1
        assert len(await told(sender)) == 1
    async with running(alice) as again:
        await seeded(again)
        (project / "link").unlink()
        await come_to_rest(again)
        (share,) = again.view.shares()
        assert [name for each in share.left_out for name in each.names] == ["other", "a.tmp", "plan", "run"]
