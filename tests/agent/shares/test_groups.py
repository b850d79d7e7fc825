"""A group is who belongs to it when something is sealed: a ticket is a person's own, none is made later by itself."""

from __future__ import annotations

from tests.agent.agent_pairs import come_to_rest, running
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import Share, ShareAction, ShareState
from tuishare.people import User, generate_key


def has(share: Share) -> list[str]:
    return sorted(delivery.user for delivery in share.deliveries if not delivery.revoked)


async def sealed(agent: Agent, name: str, generation: int = 1) -> Share:
    return await until(agent, name, ShareState.SEEDING, generation)


async def test_who_joins_a_group_gets_what_is_shared_from_then_on(alice: Home, bob: Home) -> None:
    carol = User("carol", key=generate_key())
    alice.know(bob.user(groups=("crew",)), carol)
    alice.configure("@crew")
    fill(alice.drop / "before")
    async with running(alice) as agent:
        before = await sealed(agent, "before")
        assert has(before) == ["bob"]
        alice.know(bob.user(groups=("crew",)), User("carol", key=carol.key, groups=("crew",)))
        await agent.service.reload()
        await come_to_rest(agent)
        await wait_until(lambda: all(share.state is ShareState.SEEDING for share in agent.view.shares()))
        (same,) = agent.view.shares()
        assert (same.generation, has(same)) == (1, ["bob"])
        fill(alice.drop / "later")
        assert has(await sealed(agent, "later")) == ["bob", "carol"]
        await agent.service.order_share(before.id, ShareAction.AGAIN)
        assert has(await sealed(agent, "before", generation=2)) == ["bob", "carol"]


async def test_who_leaves_a_group_gets_nothing_that_is_sealed_from_then_on(alice: Home, bob: Home) -> None:
    carol = User("carol", key=generate_key(), groups=("crew",))
    alice.know(bob.user(groups=("crew",)), carol)
    alice.configure("@crew")
    fill(alice.drop / "before")
    async with running(alice) as agent:
        before = await sealed(agent, "before")
        assert has(before) == ["bob", "carol"]
        alice.know(bob.user(groups=("crew",)), User("carol", key=carol.key))
        await agent.service.reload()
        await come_to_rest(agent)
        fill(alice.drop / "later")
        assert has(await sealed(agent, "later")) == ["bob"]
        await agent.service.order_share(before.id, ShareAction.AGAIN)
        assert has(await sealed(agent, "before", generation=2)) == ["bob"]
