"""What comes by hub: connected to our own three ports and to nothing else, from an address for each caller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.waiting import wait_until
from tuishare.agent.live import Live
from tuishare.agent.network import reach_client
from tuishare.agent.network.reach_client import ReachAddresses, ReachClient
from tuishare.core.clock import Clock
from tuishare.link.mailbox.messages import CallerAnnounced, ReachService
from tuishare.net.addresses import read_address
from tuishare.net.caller_addresses import CallerAddresses
from tuishare.net.endpoints import Endpoint

HOST = "127.0.0.1"


@dataclass
class Place:
    """A server that echoes, and remembers who came and what came first."""

    hosts: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    begins: list[bytes] = field(default_factory=list)
    port: int = 0
    is_hub: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hosts.append(writer.get_extra_info("peername")[0])
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                self.begins.append(piece)
                if not self.is_hub:
                    writer.write(piece)
        writer.close()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(HOST, self.port)


@contextlib.asynccontextmanager
async def serving(*places: Place) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for place in places:
            server = await stack.enter_async_context(await asyncio.start_server(place.serve, HOST, 0))
            place.port = server.sockets[0].getsockname()[1]
        yield


@dataclass
class Agent:
    """The reach of one agent whose three ports are one server."""

    own: Place
    rate: int = 0
    changes: list[bool] = field(default_factory=list)
    callers: CallerAddresses = field(default_factory=CallerAddresses)
    addresses: Live[ReachAddresses] = field(default_factory=lambda: Live(ReachAddresses()))

    def client(self, *open_ports: ReachService) -> ReachClient:
        def find(service: ReachService) -> Endpoint | None:
            return self.own.endpoint if service in open_ports else None

        return ReachClient(
            {
                "link": lambda: find("link"),
                "tracker": lambda: find("tracker"),
                "swarm": lambda: find("swarm"),
            },
            *(self.callers, self.addresses, lambda: self.rate),
            on_change=lambda: self.changes.append(True),
            clock=Clock(),
        )


def caller(number: int, service: ReachService = "swarm", host: str = "192.0.2.7") -> CallerAnnounced:
    return CallerAnnounced(bytes([number]) * 16, service, host)


async def test_callers_reach_our_own_port_each_from_another_address() -> None:
    own, hub = Place(), Place(is_hub=True)
    async with serving(own, hub):
        agent = Agent(own)
        client = agent.client("swarm", "tracker")
        for number in (1, 2):
            client.fetch(hub.endpoint, caller(number))
        client.fetch(hub.endpoint, caller(3, "tracker", "2001:db8::1"))
        await wait_until(lambda: len(hub.begins) == 3)
        assert set(hub.begins) == {bytes([number]) * 16 for number in (1, 2, 3)}
        assert len(set(own.hosts)) == 3
        origins = [
            str(agent.callers.origin_of(address)) for host in own.hosts if (address := read_address(host))
        ]
        assert sorted(origins) == ["192.0.2.7", "192.0.2.7", "2001:db8::1"]
        for writer in hub.writers:
            writer.write(b"hello")
        await wait_until(lambda: hub.begins.count(b"hello") == 3)
        assert client.forwarded == 2 * 3 * 5
        for writer in hub.writers:
            writer.close()
        await wait_until(lambda: len(agent.callers) == 0)
        await client.close()


@pytest.mark.parametrize(
    "announced",
    [caller(1, "link"), caller(1, host="a.example"), caller(1, host="\x1b[31m"), caller(1, host="1.2.3.4:5")],
)
async def test_nothing_is_connected_for_a_closed_port_or_what_is_no_address(
    announced: CallerAnnounced,
) -> None:
    """Threat T21: a hub that says what it likes reaches three ports at most."""
    own, hub = Place(), Place(is_hub=True)
    async with serving(own, hub):
        agent = Agent(own)
        client = agent.client("swarm")
        client.fetch(hub.endpoint, announced)
        assert (client._tasks, len(agent.callers)) == (set(), 0)
        client.fetch(hub.endpoint, caller(2))
        await wait_until(lambda: bool(hub.begins))
        assert hub.begins == [b"\2" * 16]
        await client.close()
        await wait_until(lambda: len(agent.callers) == 0)


async def test_a_hub_that_announces_without_end_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat T21."""
    monkeypatch.setattr(reach_client, "_MOST_CONNECTING", 5)
    own, hub = Place(), Place(is_hub=True)
    async with serving(own, hub):
        agent = Agent(own)
        client = agent.client("swarm")
        for number in range(200):
            client.fetch(hub.endpoint, caller(number))
        assert len(client._tasks) == 5
        await wait_until(lambda: len(hub.begins) == 5)
        client.fetch(hub.endpoint, caller(201))  # there is room again
        await wait_until(lambda: len(hub.begins) == 6)
        await client.close()


async def test_a_hub_that_is_gone_leaves_nothing_behind() -> None:
    own, hub = Place(), Place(is_hub=True)
    async with serving(own):
        async with serving(hub):
            gone = hub.endpoint
        agent = Agent(own)
        client = agent.client("swarm")
        client.fetch(gone, caller(1))
        await wait_until(lambda: bool(own.hosts) and len(agent.callers) == 0 and not client._tasks)


async def test_the_limit_for_what_goes_by_hub_is_kept() -> None:
    own, hub = Place(), Place(is_hub=True)
    async with serving(own, hub):
        agent = Agent(own, rate=1_000_000)
        client = agent.client("swarm")
        client.fetch(hub.endpoint, caller(1))
        await wait_until(lambda: bool(hub.begins))
        loop = asyncio.get_running_loop()
        since = loop.time()
        hub.writers[0].write(bytes(700_000))
        await wait_until(lambda: sum(map(len, hub.begins)) == 700_016)
        assert loop.time() - since > 0.7  # 1.4 million bytes in both directions
        await client.close()


async def test_where_we_are_reachable_and_why_not_is_told_once() -> None:
    agent = Agent(Place())
    client = agent.client()
    reached = ReachAddresses("hub:1", "hub:2", "hub:3")
    client.become(reached)
    client.become(reached)
    assert (agent.addresses.current, len(agent.changes)) == (reached, 1)
    for _ in range(2):
        client.show("The hub lends no ports", "Ask its operator.")
    assert client.problem is not None
    assert (client.problem.id, len(agent.changes)) == ("reach", 2)
    client.become(reached)
    assert agent.client().problem is client.problem
    assert len(agent.changes) == 3
