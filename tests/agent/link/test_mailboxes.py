"""Sender and recipient who are never on-line together: envelopes, receipts and records go by a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.link.linked import (
    PATIENCE,
    become_known,
    handovers,
    link_up,
    until_handed_over,
)
from tests.hub.hubs import FAST, invite, make_hub
from tests.waiting import answered, wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import HubString, UserNamed
from tuishare.core.records import HandoverState
from tuishare.hub.operator import ListMembers, Members
from tuishare.hub.process import Hub, open_hub
from tuishare.link.mailbox.client import put_parcel
from tuishare.link.peer import LinkFailed

pytestmark = pytest.mark.swarm


@pytest.fixture
def linked(alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch) -> tuple[Home, Home]:
    link_up((alice, "bob"), (bob, "alice"))
    monkeypatch.setattr("tuishare.agent.link.mailbox_sender._WAIT_SECONDS", 0)
    monkeypatch.setattr("tuishare.agent.link.mailbox_sender._LOOK_SECONDS", 0.1)
    return alice, bob


async def parcels(hub: Hub) -> dict[str, int]:
    """How many wait in each mailbox, by the name of the member."""
    answer = await hub.answer(ListMembers())
    assert isinstance(answer, Members)
    return {member.name: member.parcels for member in answer.members}


async def until_waiting(hub: Hub, **wanted: bool) -> None:
    """Wait until something, or nothing, is in these mailboxes."""

    def as_wanted(found: dict[str, int]) -> bool:
        return all(bool(found[name]) == waits for name, waits in wanted.items())

    await answered(lambda: parcels(hub), as_wanted, seconds=PATIENCE)


async def enrol(agent: Agent, hub: Hub, name: str) -> None:
    await agent.service.join_hub(HubString(text=await invite(hub, name)))


async def know_hub_of(agent: Agent, friend: Home) -> None:
    def knows() -> bool:
        record = agent._parts.link.contacts.record_of(friend.identity.signer)
        return record is not None and record.hub is not None

    await wait_until(knows, seconds=PATIENCE)


async def test_they_are_never_on_line_together(linked: tuple[Home, Home], tmp_path: Path) -> None:
    alice, bob = linked
    async with open_hub(make_hub(tmp_path / "hub"), FAST) as hub:
        async with running(alice) as one, running(bob) as other:
            await become_known(alice, bob)
            await enrol(one, hub, "alice")
            await enrol(other, hub, "bob")
            await know_hub_of(one, bob)
            await know_hub_of(other, alice)
        async with running(alice) as one:
            fill(alice.drop / "second")
            await wait_until(lambda: "second" in handovers(one), seconds=PATIENCE)
            await wait_until(lambda: handovers(one)["second"].hub > 0, seconds=PATIENCE)
            shown = {share.name: share.deliveries[0].handover for share in one.view.shares()}
            assert shown["second"].hub > 0
        await until_waiting(hub, bob=True, alice=False)
        async with running(bob) as other:  # alice is away
            await wait_until(
                lambda: any(each.name == "second" for each in other.view.downloads()), seconds=PATIENCE
            )
            # Bob's receipt waits for alice in her mailbox.
            mailboxes = other._parts.link._mailboxes
            assert mailboxes is not None
            await wait_until(lambda: bool(mailboxes.sender._receipts), seconds=PATIENCE)
            await until_waiting(hub, bob=False, alice=True)
        async with running(alice) as one:
            await until_handed_over(one, "second", HandoverState.HANDED_OVER)
            await until_waiting(hub, alice=False)
            await see_write_key_replaced(one)


async def see_write_key_replaced(agent: Agent) -> None:
    """Remove the only contact: what they know lets no one put anything into the mailbox any more (threat T22)."""
    membership = agent._parts.link._membership
    known = membership.hub_address
    assert known is not None
    assert await put_parcel(known, b"a parcel") is None
    await agent.service.remove_user(UserNamed(name="bob"))
    await wait_until(lambda: membership.hub_address != known, seconds=PATIENCE)

    async def is_refused() -> bool:
        try:
            await put_parcel(known, b"another parcel")
        except LinkFailed:
            return True
        return False

    await answered(is_refused, bool, seconds=PATIENCE)
    current = membership.hub_address
    assert current is not None
    assert await put_parcel(current, b"a third parcel") is None
