"""What goes wrong around two agents with a link: clocks, disks. Nothing is lost, and nothing comes twice."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest

from tests.agent.agent_pairs import running
from tests.agent.disks import full, small_disk
from tests.agent.homes import Home, fill
from tests.agent.link.linked import (
    PATIENCE,
    become_known,
    handovers,
    link_up,
    until_handed_over,
    until_linked,
    until_received,
)
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.rejected_files import REJECTED
from tuishare.agent.link import arrivals, open_links
from tuishare.core.clock import wall_clock
from tuishare.core.records import HandoverState

pytestmark = pytest.mark.swarm


@pytest.fixture
def linked(alice: Home, bob: Home) -> tuple[Home, Home]:
    link_up((alice, "bob"), (bob, "alice"))
    return alice, bob


def put_clock_off(agent: Agent, days: int) -> None:
    def read() -> datetime:
        return wall_clock() + timedelta(days=days)

    agent._context.clock.read = read


async def test_a_clock_that_is_a_day_off_stops_nothing(linked: tuple[Home, Home]) -> None:
    alice, bob = linked
    async with running(alice) as one, running(bob) as other:
        sent = [await become_known(alice, bob)]
        await until_linked(one, bob)
        for agent, days in ((other, 1), (other, -1), (one, 1), (one, -1)):
            for each in (one, other):
                put_clock_off(each, days if each is agent else 0)
            sent.append(fill(alice.drop / f"{agent is one} {days}"))
            await until_received(bob, *sent)
            await until_handed_over(one, sent[-1].name, HandoverState.COMPLETE)
        assert not (bob.inbox / REJECTED).exists()


async def test_a_full_disk_at_the_recipient_puts_off_and_loses_nothing(
    linked: tuple[Home, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = linked
    link_up((bob, "alice"), downloads={"reserve": 1})
    monkeypatch.setattr(arrivals, "_SOON", 1)
    monkeypatch.setattr(open_links, "_RECHECK", 0.5)
    async with running(alice), running(bob):
        first = await become_known(alice, bob)
    with small_disk(bob.places.files, "64m"):
        async with running(alice) as one, running(bob):
            await until_linked(one, bob)
            with full(bob.places.files):
                second = fill(alice.drop / "second")
                await wait_until(
                    lambda: "second" in handovers(one) and "space" in handovers(one)["second"].detail,
                    seconds=PATIENCE,
                )
            await until_received(bob, first, second)
            await until_handed_over(one, "second", HandoverState.COMPLETE)
            await wait_until(lambda: len(os.listdir(bob.inbox / "accepted")) == 2, seconds=PATIENCE)
            assert os.listdir(bob.places.link_incoming) == []
            assert not (bob.inbox / REJECTED).exists()
