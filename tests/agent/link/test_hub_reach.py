"""An agent that its hub makes reachable: where it says so, and what it does when the hub does not."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.link.linked import PATIENCE, link_up
from tests.hub.hubs import FAST, invite, make_hub
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.api.messages import HubString
from tuishare.envelope import CardKey, open_envelope
from tuishare.hub.operator import ListMembers, Members
from tuishare.hub.process import Hub, open_hub
from tuishare.net.endpoints import Endpoint
from tuishare.net.tcp import connect_tcp

pytestmark = pytest.mark.swarm


async def ports_of(hub: Hub) -> tuple[int, ...]:
    answer = await hub.answer(ListMembers())
    assert isinstance(answer, Members)
    return answer.members[0].ports


async def see_envelope(agent: Agent, alice: Home, bob: Home, name: str, ports: tuple[int, ...]) -> None:
    """Share something: its envelope names the hub, after our own addresses."""
    fill(alice.drop / name)
    envelope = alice.outbox / f"{name}.torrent.encrypted"
    await wait_until(envelope.exists, seconds=PATIENCE)
    opened = open_envelope(envelope.read_bytes(), [CardKey(bob.identity.private_key)]).manifest
    _, tracker, swarm = ports
    assert opened.contacts[-2] == f"127.0.0.1:{swarm}"
    assert opened.announce[-2].url.startswith(f"https://127.0.0.1:{tracker}/announce/")
    assert agent._parts.link.addresses[-2] == f"127.0.0.1:{ports[0]}"


async def test_it_is_named_everywhere_also_after_a_restart(alice: Home, bob: Home, tmp_path: Path) -> None:
    link_up((alice, "bob"))
    places = make_hub(tmp_path / "hub")
    async with open_hub(places, FAST) as hub, running(alice) as agent:
        await agent.service.join_hub(HubString(text=await invite(hub, "alice")))
        await wait_until(lambda: bool(agent.view.status().hub_address), seconds=PATIENCE)
        ports = await ports_of(hub)
        link = agent._parts.link
        await wait_until(lambda: f"127.0.0.1:{ports[0]}" in link.addresses, seconds=PATIENCE)
        await see_envelope(agent, alice, bob, "first", ports)
        status = agent.view.status()
        assert (status.reachable, status.hub_address) == (True, f"127.0.0.1:{ports[2]}")
        await wait_until(lambda: link._membership.lent == ports, seconds=PATIENCE)
        await see_callers(agent, ports)
    async with running(alice) as agent:  # the hub is off
        await see_envelope(agent, alice, bob, "second", ports)


async def see_callers(agent: Agent, ports: tuple[int, ...]) -> None:
    """Callers come from where they are, as far as limits and bans go."""
    callers = agent._context.callers
    connections = [await connect_tcp(Endpoint("127.0.0.1", port), "127.5.5.5") for port in ports]
    try:
        await wait_until(lambda: len(callers) == len(connections))
        assert {callers.origin_of(address) for address in callers._live} == {ip_address("127.5.5.5")}
        server = agent._parts.link._server
        assert server is not None
        slots = server._ssh.slots
        await wait_until(lambda: len(slots) == 1)
        assert slots.counts[4, 32, int(ip_address("127.5.5.5"))] == 1
    finally:
        for connection in connections:
            connection.close()


async def test_a_hub_that_lends_nothing_is_shown(alice: Home, bob: Home, tmp_path: Path) -> None:
    link_up((alice, "bob"))
    places = make_hub(tmp_path / "hub")
    text = places.settings_file.read_text()
    lent = next(line for line in text.splitlines() if line.startswith("ports"))
    places.settings_file.write_text(text.replace(lent, 'ports = ""'))
    async with open_hub(places, FAST) as hub, running(alice) as agent:
        await agent.service.join_hub(HubString(text=await invite(hub, "alice")))
        await wait_until(lambda: bool(agent.view.status().problems), seconds=PATIENCE)
        (problem,) = agent.view.status().problems
        assert (problem.id, problem.title) == ("reach", "Not reachable by hub")
        assert "this hub lends no ports" in problem.detail
        assert agent.view.status().hub_address == ""


async def test_one_who_does_not_want_it_asks_for_no_ports(alice: Home, bob: Home, tmp_path: Path) -> None:
    network = {"listen": "127.0.0.1:0", "share_addresses": False, "reach": "off"}
    link_up((alice, "bob"), network=network)
    async with open_hub(make_hub(tmp_path / "hub"), FAST) as hub, running(alice) as agent:
        await agent.service.join_hub(HubString(text=await invite(hub, "alice")))
        mailboxes = hub._mailboxes
        (member,) = mailboxes.members()
        await wait_until(lambda: mailboxes.is_connected(member.mailbox), seconds=PATIENCE)
        assert await ports_of(hub) == ()
        assert agent.view.status().hub_address == ""
