"""Two agents behind routers that forward no port: everything between them works by a hub."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agent.homes import Home, fill
from tests.agent.network.two_houses import PUBLIC, Houses, houses, outside
from tests.link.openssh_servers import missing as no_openssh
from tests.link.openssh_servers import openssh_server
from tests.namespaces import no_namespaces
from tests.waiting import answered, is_listening, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    Delivery,
    Download,
    HubString,
    SettingChange,
    Share,
    Status,
    UserNamed,
)
from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.hub.operator import GetStatus, HubStatus, Invite, Invited, ask_hub
from tuishare.hub.settings import HubPlaces, write_settings
from tuishare.link.link_key import load_or_create_link_key
from tuishare.link.ssh_forwarding import authorized_keys_line

NO_NAMESPACES = no_namespaces("nft")
pytestmark = [
    pytest.mark.skipif(bool(NO_NAMESPACES), reason=f"no routers can be built: {NO_NAMESPACES}"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.swarm,
]
PATIENCE = 120.0
SIZE = 3_000_000


@pytest.fixture
def built() -> Iterator[Houses]:
    with houses() as made:
        yield made


@contextmanager
def program(place: str, *words: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of tuishare in a namespace."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TUISHARE")}
    with log.open("wb") as said:
        process = subprocess.Popen(
            ["ip", "netns", "exec", place, sys.executable, "-m", "tuishare", *words],
            env=clean | environment,
            stderr=said,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def hub_in(place: str, folder: Path) -> Iterator[HubPlaces]:
    """Run a hub on the public machine."""
    places = HubPlaces(folder)
    write_settings(places, f"{PUBLIC}:50012", read_shipped(Shipped.HUB_TEMPLATE))
    with program(place, "hub", "run", "-v", log=folder / "log", TUISHARE_HUB=str(folder)):
        yield places


@dataclass(frozen=True, slots=True)
class Running:
    """An agent in a namespace; its socket is a file, and so reached from here."""

    home: Home

    async def ask(self, question: Callable[[AgentClient], Any]) -> Any:
        async with AgentClient(self.home.places.socket) as client:
            return await question(client)

    async def until(self, condition: Callable[[Status], bool]) -> Status:
        await wait_until(lambda: is_listening(self.home.places.socket))
        return await answered(lambda: self.ask(AgentClient.status), condition, seconds=PATIENCE)

    async def join(self, hub: HubPlaces) -> None:
        """Become a member, and be reachable."""
        await self.until(lambda _: True)
        await wait_until(lambda: is_listening(hub.socket), seconds=PATIENCE)
        invited = ask_hub(hub.socket, Invite(self.home.name, 1))
        assert isinstance(invited, Invited)
        await self.ask(lambda client: client.join_hub(HubString(text=invited.string)))
        await self.until(lambda status: bool(status.hub_address))

    async def delivery(self, name: str, condition: Callable[[Delivery], bool]) -> Share:
        """Wait for what the delivery board says of a share's one recipient."""

        async def find() -> Share | None:
            shares = await self.ask(AgentClient.shares)
            return next((share for share in shares if share.name == name), None)

        found = await answered(
            find,
            lambda share: share is not None and bool(share.deliveries) and condition(share.deliveries[0]),
            seconds=PATIENCE,
        )
        assert found is not None
        return found

    async def download(self, name: str) -> Download:
        found: Download
        (found,) = [each for each in await self.ask(AgentClient.downloads) if each.name == name]
        return found


@contextmanager
def agent_in(place: str, home: Home, **network: Any) -> Iterator[Running]:
    """Run the agent of a home in a namespace, with the ports that everyone has."""
    home.configure(
        *(user for user in ("alice", "bob") if user != home.name),
        network={"listen": ":50007"} | network,
        tracker={"listen": ":50009"},
        link={"listen": ":50011"},
    )
    with program(place, "agent", "-v", log=home.places.files / "log", TUISHARE_HOME=str(home.places.files)):
        yield Running(home)


async def until_delivered(sender: Home, recipient: Home, name: str) -> None:
    landed = recipient.downloads / sender.name / name
    await wait_until(landed.exists, seconds=PATIENCE)
    assert landed.read_bytes() == (sender.drop / name).read_bytes()


async def test_both_ways_by_a_hub(built: Houses, alice: Home, bob: Home, tmp_path: Path) -> None:
    with (
        hub_in(built.world, tmp_path / "hub") as hub,
        agent_in(built.lans[0], alice) as one,
        agent_in(built.lans[1], bob) as other,
    ):
        await one.join(hub)
        await other.join(hub)
        await deliver_both_ways(one, other)
        status = ask_hub(hub.socket, GetStatus())
        assert isinstance(status, HubStatus)
        assert status.forwarded > 2 * SIZE
        await see_revocation(one, other)


async def deliver_both_ways(one: Running, other: Running) -> None:
    alice, bob = one.home, other.home
    fill(alice.drop / "first.bin", SIZE)
    envelope = alice.outbox / "first.bin.torrent.encrypted"
    await wait_until(envelope.exists, seconds=PATIENCE)
    bob.receive(envelope)  # carried by hand once, as everywhere
    await until_delivered(alice, bob, "first.bin")
    await one.delivery("first.bin", lambda delivery: delivery.completed > 0)
    fill(bob.drop / "back.bin", SIZE)  # bob has alice's address record now: the link goes by the hub
    await until_delivered(bob, alice, "back.bin")
    await other.delivery("back.bin", lambda delivery: delivery.completed > 0)


async def see_revocation(one: Running, other: Running) -> None:
    """Revoke a share while it goes by hub, slowly: nothing more of it arrives."""
    alice = one.home
    await one.ask(lambda client: client.change_setting(SettingChange(key="limits.upload", value="400kB")))
    fill(alice.drop / "slow.bin", 20 * SIZE)
    share = await one.delivery("slow.bin", lambda delivery: 0 < delivery.progress < 1)
    details = await one.ask(lambda client: client.share_details(share.id))
    (peer,) = details.peers
    assert (peer.by_hub, peer.user) == (True, "bob")
    assert peer.address.startswith(f"{outside(1)}:")  # bob's router, and not 127.77
    slow = await other.download("slow.bin")
    (sender,) = (await other.ask(lambda client: client.download_details(slow.id))).peers
    assert sender.by_hub is True
    await one.ask(lambda client: client.revoke_from_share(share.id, UserNamed(name="bob")))
    await one.delivery("slow.bin", lambda delivery: delivery.revoked > 0)

    async def is_cut() -> bool:  # on both sides: what was in the hub's buffers before has arrived by then
        here = await one.ask(lambda client: client.share_details(share.id))
        there = await other.ask(lambda client: client.download_details(slow.id))
        return not here.peers and not there.peers

    await answered(is_cut, bool, seconds=PATIENCE)
    seen = (await one.ask(AgentClient.status)).now
    await one.until(lambda status: status.now > seen + 2)  # what has arrived shows within a second
    before = (await other.download("slow.bin")).progress
    await one.until(lambda status: status.now > seen + 8)  # longer than a hub is tried after
    assert (await other.download("slow.bin")).progress == before < 1


@pytest.mark.skipif(bool(no_openssh()), reason=f"no OpenSSH server: {no_openssh()}")
async def test_both_ways_by_stock_openssh(built: Houses, alice: Home, bob: Home, tmp_path: Path) -> None:
    inside = ("ip", "netns", "exec", built.world)
    with openssh_server(tmp_path / "sshd", PUBLIC, 2222, place=inside) as server:
        ports = {alice.name: 21_000, bob.name: 21_003}
        for home in (alice, bob):
            key = load_or_create_link_key(home.places.reach_key_file)
            first = ports[home.name]
            line = authorized_keys_line(key, {"link": first, "tracker": first + 1, "swarm": first + 2})
            with server.authorized_keys.open("a") as keys:
                keys.write(line + "\n")
        reach = {"reach": f"ssh://root@{PUBLIC}:2222", "reach_host_key": server.fingerprint}
        with (
            agent_in(built.lans[0], alice, **reach, reach_port=ports["alice"]) as one,
            agent_in(built.lans[1], bob, **reach, reach_port=ports["bob"]) as other,
        ):
            for agent in (one, other):
                status = await agent.until(lambda status: bool(status.hub_address) and not status.problems)
                assert status.hub_address == f"{PUBLIC}:{ports[agent.home.name] + 2}"
            await deliver_both_ways(one, other)
