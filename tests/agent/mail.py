"""A whole agent whose inbox is written to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.agent.homes import Home
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.inbox import REASON_SUFFIX, REJECTED
from tuishare.agent.shelf import ENVELOPE_SUFFIX
from tuishare.api.messages import Download, DownloadState

NAME = f"x{ENVELOPE_SUFFIX}"
KEY = bytes(range(32))


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[Agent]:
    async with Agent.running(home.places) as agent:
        yield agent
        assert not agent._stopping.is_set()


async def shown(agent: Agent, state: DownloadState) -> Download:
    """Wait for the only download to get there."""
    await wait_until(lambda: [download.state for download in agent.downloads()] == [state])
    (download,) = agent.downloads()
    return download


async def rejected(bob: Home, name: str = NAME) -> str:
    """Wait until an envelope was turned away; return the reason."""
    note = bob.inbox / REJECTED / f"{name}{REASON_SUFFIX}"
    await wait_until(lambda: note.exists() and not os.path.lexists(bob.inbox / name))
    assert name in os.listdir(bob.inbox / REJECTED)
    return note.read_text()
