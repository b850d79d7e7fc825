"""Recipients who look for us where we are no longer are told to the one who can help."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.network import reachability
from tuishare.api.messages import Problem, ShareAction, ShareState


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "SETTLED_SECONDS", 0.0)


def people(alice: Home, *friends: Home) -> None:
    alice.know(*(friend.user() for friend in friends))
    alice.configure(*(friend.name for friend in friends))


def move(agent: Agent, host: str) -> None:
    context = agent._context
    network = msgspec.structs.replace(context.settings.current.network, public_host=host)
    context.settings.current = msgspec.structs.replace(context.settings.current, network=network)
    agent._drops.repository.update_addresses()


def told(agent: Agent) -> list[Problem]:
    return [problem for problem in agent.view.status().problems if problem.id == "address"]


async def test_who_cannot_find_us_is_named_until_there_is_a_new_envelope(alice: Home, bob: Home) -> None:
    people(alice, bob)
    async with running(alice) as agent:
        move(agent, "8.8.8.8")
        fill(alice.drop / "film.mov")
        await until(agent, "film.mov", ShareState.SEEDING)
        assert told(agent) == []
        move(agent, "9.9.9.9")
        (problem,) = told(agent)
        (share,) = agent.view.shares()
        assert "'film.mov'" in problem.detail
        assert "bob cannot find you" in problem.detail
        assert f"tuishare again {share.id[:8]}`" in problem.hint
        assert problem.since == agent._drops.repository.address_watch.since

        move(agent, "8.8.8.8")
        assert told(agent) == []  # back again
        move(agent, "9.9.9.9")
        await agent.service.order_share(share.id, ShareAction.AGAIN)
        repository = agent._drops.repository
        await wait_until(lambda: repository.get(share.id).contacts[0].startswith("9.9.9.9:"))
        await until(agent, "film.mov", ShareState.SEEDING)
        assert told(agent) == []


async def test_it_is_remembered_over_a_restart(alice: Home, bob: Home) -> None:
    people(alice, bob)
    alice.configure(
        "bob", network={"listen": "127.0.0.1:0", "share_addresses": False, "public_host": "8.8.8.8:7"}
    )
    async with running(alice) as agent:
        fill(alice.drop / "film.mov")
        await until(agent, "film.mov", ShareState.SEEDING)
        assert told(agent) == []
    alice.configure(
        "bob", network={"listen": "127.0.0.1:0", "share_addresses": False, "public_host": "9.9.9.9:7"}
    )
    async with running(alice) as agent:
        await wait_until(lambda: bool(told(agent)))


async def test_several_are_counted(alice: Home, bob: Home, carol: Home) -> None:
    people(alice, bob, carol)
    async with running(alice) as agent:
        move(agent, "8.8.8.8")
        for name in ("one", "two"):
            fill(alice.drop / name)
            await until(agent, name, ShareState.SEEDING)
        move(agent, "9.9.9.9")
        (problem,) = told(agent)
        assert "of 2 shares name" in problem.detail
        assert "bob, carol cannot" in problem.detail


@pytest.mark.parametrize("case", ["has it", "is out", "was here just now", "asks another tracker"])
async def test_nobody_is_named_who_lacks_nothing_or_finds_us(alice: Home, bob: Home, case: str) -> None:
    people(alice, bob)
    async with running(alice) as agent:
        move(agent, "8.8.8.8")
        fill(alice.drop / "film.mov")
        await until(agent, "film.mov", ShareState.SEEDING)
        move(agent, "9.9.9.9")
        assert told(agent)
        context, deliveries = agent._context, agent._drops.repository.deliveries
        (share,) = agent._drops.repository.shares.values()
        row = deliveries.find(share.id, "bob")
        match case:
            case "has it":
                deliveries._index(replace(row, completed=context.clock.now()))
            case "is out":
                deliveries._index(replace(row, revoked=context.clock.now(), until=share.generation))
            case "was here just now":
                deliveries._index(replace(row, seen=context.clock.now()))
            case _:
                others = ("https://tracker.example.org/announce",)
                tracker = msgspec.structs.replace(context.settings.current.tracker, others=others)
                context.settings.current = msgspec.structs.replace(context.settings.current, tracker=tracker)
        assert told(agent) == []
