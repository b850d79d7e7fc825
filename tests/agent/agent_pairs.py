"""A whole agent whose inbox is written to, and waiting until it has nothing left to do."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from tests.agent.homes import Home, is_idle
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED
from tuishare.agent.folders.folder_monitor import FolderMonitor
from tuishare.api.messages import Download, DownloadState
from tuishare.fs.atomic import ENVELOPE_SUFFIX

NAME = f"x{ENVELOPE_SUFFIX}"
KEY = bytes(range(32))


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[Agent]:
    async with Agent.running(home.places) as agent:
        yield agent
        assert not agent._parts.stopping.is_set()


async def come_to_rest(agent: Agent) -> None:
    """Wait until every folder was scanned, everything that was found has settled, and nothing is in work.

    Scanned twice: an entry that has settled is in nobody's list while it is taken, and the second scan waits for that.
    """
    for _ in range(2):
        followings: list[FolderMonitor[Any]] = [*agent._drops.monitors.values(), agent._parts.inbox_monitor]
        for following in followings:
            following.scan_soon()
        await wait_until(partial(_is_at_rest, agent, followings), seconds=30.0)


def _is_at_rest(agent: Agent, followings: list[FolderMonitor[Any]]) -> bool:
    # 0: wants to scan; infinity: is scanning.
    scanned = all(0 < each._next_scan < math.inf and each._tracker.next_due() is None for each in followings)
    locked = agent._drops.repository.lock.locked() or agent._inbox.repository.lock.locked()
    return scanned and not locked and is_idle(agent._drops.queue)


async def shown(agent: Agent, state: DownloadState) -> Download:
    """Wait for the only download to get there."""
    await wait_until(lambda: [download.state for download in agent.view.downloads()] == [state])
    (download,) = agent.view.downloads()
    return download


async def rejected(bob: Home, name: str = NAME) -> str:
    """Wait until an envelope was turned away; return the reason."""
    note = bob.inbox / REJECTED / f"{name}{REASON_SUFFIX}"
    await wait_until(lambda: note.exists() and not os.path.lexists(bob.inbox / name))
    assert name in os.listdir(bob.inbox / REJECTED)
    return note.read_text()
