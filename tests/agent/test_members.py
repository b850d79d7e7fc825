"""Recipients of one share among themselves."""

from __future__ import annotations

import asyncio
from functools import partial

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.shares.test_deliveries import complete, post
from tests.agent.shares.test_revoking import record, slow
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import ShareState
from tuishare.errors import NotFound
from tuishare.torrents import InfoHash


def has_begun(agent: Agent) -> bool:
    return bool(agent._inbox.queue.downloads)


async def connected(agent: Agent, count: int) -> None:
    """Wait until that many peers have shaken hands."""
    async with asyncio.timeout(20):
        while await count_peers(agent) < count:
            await agent.view.changes().wait_for_change(agent.view.changes().revision)


async def count_peers(agent: Agent) -> int:
    try:
        return len(await agent._context.engine.peers(InfoHash(record(agent).info_hash)))
    except NotFound:  # being added
        return 0


async def test_they_find_each_other_through_the_tracker_and_pass_on_what_they_have(
    alice: Home, bob: Home, carol: Home
) -> None:
    slow(alice, "bob", "carol")
    path = fill(alice.drop / "x", 4_000_000)
    async with running(alice) as sender, running(bob) as one, running(carol) as other:
        await until(sender, "x", ShareState.SEEDING)
        for home in (bob, carol):
            post(alice, home)
        for pipeline in (one, other):
            await wait_until(partial(has_begun, pipeline))
            await connected(pipeline, 2)
        for pipeline in (one, other):
            await complete(pipeline)
        for home in (bob, carol):
            assert (home.downloads / "alice" / "x").read_bytes() == path.read_bytes()
        (share,) = sender.view.shares()
        # Twice its size, had nobody passed anything on.
        assert share.uploaded < 1.6 * share.size
