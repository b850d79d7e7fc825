"""What following an entry means for the share that it is."""

from __future__ import annotations

import os

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, is_idle
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import ShareState

pytestmark = pytest.mark.usefixtures("bob")


def served(agent: Agent) -> int:
    return len(agent._context.engine.all_progress())


async def test_a_payload_that_is_being_edited_is_not_served_until_it_has_settled(alice: Home) -> None:
    """Its recipients would ban the only seed after one bad piece."""
    alice.configure("bob", settle={"quiet": 1.0})
    async with running(alice) as agent:
        path = fill(alice.drop / "x")
        first = await until(agent, "x", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        with path.open("r+b") as file:
            file.write(b"edited")
            file.flush()
            await until(agent, "x", ShareState.SETTLING)
            assert served(agent) == 0
        again = await until(agent, "x", ShareState.SEEDING, generation=2)
        assert again.id == first.id


@pytest.mark.parametrize("fault", ["link", "pipe", "empty"])
async def test_what_can_no_longer_be_shared_is_served_no_longer_until_it_can(alice: Home, fault: str) -> None:
    """T15"""
    kept = alice.places.files / "kept"
    async with running(alice) as agent:
        path = fill(alice.drop / "x")
        first = await until(agent, "x", ShareState.SEEDING)
        await wait_until(lambda: is_idle(agent._drops.queue))
        path.rename(kept)
        match fault:
            case "link":
                path.symlink_to(kept)
            case "pipe":
                os.mkfifo(path)
            case _:
                path.touch()
        problem = await until(agent, "x", ShareState.PROBLEM)
        await wait_until(lambda: served(agent) == 0)
        assert (problem.id, bool(problem.detail)) == (first.id, True)
        kept.rename(path)
        again = await until(agent, "x", ShareState.SEEDING)
        assert again.id == first.id
        await wait_until(lambda: served(agent) == 1)
