"""An agent behind a router: what it asks of it, what becomes of that, and what it tells."""

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
from tests.agent.network.router import PUBLIC, House, Speaks, house
from tests.namespaces import no_namespaces
from tests.waiting import answered, is_listening, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.messages import Status
from tuishare.envelope import CardKey, open_envelope

NO_NAMESPACES = no_namespaces("nft", "miniupnpd", "tcpdump")
pytestmark = pytest.mark.skipif(bool(NO_NAMESPACES), reason=f"no router can be built: {NO_NAMESPACES}")

SIZE = 300_000
PORTS = (50007, 50008, 50009, 50010)
"""Of the TLS swarms, the plain swarms, and the tracker of each."""
ASKED = {("tcp", port) for port in PORTS} | {("udp", port) for port in PORTS[:2]}
"""Swarms also speak uTP."""


@dataclass(frozen=True, slots=True)
class Running:
    """An agent in a process and a namespace of its own; its socket is a file, and so reached from here."""

    home: Home
    process: subprocess.Popen[bytes]

    async def status(self) -> Status:
        async with AgentClient(self.home.places.socket) as client:
            return await client.status()

    async def until(self, condition: Callable[[Status], bool]) -> Status:
        """Wait for a status like that."""
        await wait_until(lambda: is_listening(self.home.places.socket))
        return await answered(self.status, condition, seconds=15)

    async def stop(self) -> None:
        """End it as systemd does."""
        self.process.terminate()
        await wait_until(lambda: self.process.poll() is not None)
        assert self.process.returncode == 0


@contextmanager
def living(home: Home, place: str, **network: Any) -> Iterator[Running]:
    """Run the agent of a home in a namespace."""
    home.configure(
        *(user for user in ("alice", "bob") if user != home.name),
        network={"listen": ":50007", "listen_plain": ":50008", "share_addresses": False} | network,
        tracker={"listen": ":50009", "listen_plain": ":50010"},
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TUISHARE")}
    process = subprocess.Popen(
        ["ip", "netns", "exec", place, sys.executable, "-m", "tuishare", "agent"],
        env=environment | {"TUISHARE_HOME": str(home.places.files)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Running(home, process)
    finally:
        process.kill()
        process.wait()


async def drop(alice: Home, name: str) -> Path:
    """Share a file; return its envelope."""
    fill(alice.drop / name, SIZE)
    envelope = alice.outbox / f"{name}.torrent.encrypted"
    await wait_until(envelope.exists)
    return envelope


@pytest.fixture(params=["upnp", "natpmp"])
def home(request: pytest.FixtureRequest) -> Iterator[House]:
    """A house whose router speaks one of the two languages."""
    speaks: Speaks = request.param
    with house(speaks) as built:
        yield built


async def test_somebody_outside_receives_through_the_router(home: House, alice: Home, bob: Home) -> None:
    with living(alice, home.lan, port_mapping=True) as sender, living(bob, home.world) as recipient:
        envelope = await drop(alice, "film.mov")
        opened = open_envelope(envelope.read_bytes(), [CardKey(bob.identity.private_key)]).manifest
        assert opened.contacts[0] == f"{PUBLIC}:50007"
        assert opened.announce[0].url.startswith(f"https://{PUBLIC}:50009/")
        await wait_until(lambda: home.forwarded() == ASKED)
        status = await sender.status()
        assert (status.reachable, status.public_address, status.problems) == (True, f"{PUBLIC}:50007", ())
        await recipient.until(lambda _: True)
        (bob.inbox / envelope.name).write_bytes(envelope.read_bytes())
        landed = bob.downloads / "alice" / "film.mov"
        await wait_until(landed.exists)
        assert landed.read_bytes() == (alice.drop / "film.mov").read_bytes()
        await sender.stop()
    await wait_until(lambda: home.forwarded() == set())


@pytest.mark.usefixtures("bob")
async def test_a_router_that_refuses_is_told_of(alice: Home) -> None:
    with house("upnp", refuses=True) as home, living(alice, home.lan, port_mapping=True) as sender:
        status = await sender.until(lambda status: bool(status.problems))
        assert (status.reachable, status.public_address) == (False, "")
        (problem,) = status.problems
        assert "UPnP did not map a port" in problem.detail
        assert home.forwarded() == set()


async def test_an_envelope_waits_for_a_router_that_thinks(alice: Home, bob: Home) -> None:
    fill(alice.drop / "film.mov", SIZE)
    with house("nothing") as home, living(alice, home.lan, port_mapping=True):
        await wait_until(lambda: bool(home.asked()))
        with home.speaking("upnp"):  # and hears the next question only, two seconds later
            envelope = alice.outbox / "film.mov.torrent.encrypted"
            await wait_until(envelope.exists)
            opened = open_envelope(envelope.read_bytes(), [CardKey(bob.identity.private_key)]).manifest
            assert opened.contacts[0] == f"{PUBLIC}:50007"


@pytest.mark.usefixtures("bob")
async def test_without_any_router_that_is_told(alice: Home) -> None:
    with house("nothing") as home, living(alice, home.lan, port_mapping=True) as sender:
        status = await sender.until(lambda status: bool(status.problems))
        assert status.reachable is False
        assert "no router has answered" in status.problems[0].detail
        assert home.asked()
        await drop(alice, "film.mov")  # it waits for a router no longer


async def test_a_router_is_asked_nothing_unless_that_is_wanted(home: House, alice: Home, bob: Home) -> None:
    with living(alice, home.lan) as sender:
        envelope = await drop(alice, "film.mov")
        opened = open_envelope(envelope.read_bytes(), [CardKey(bob.identity.private_key)]).manifest
        assert opened.contacts == ("127.0.0.1:50007",)
        status = await sender.status()
        assert (status.reachable, status.public_address, status.problems) == (None, "", ())
        await sender.stop()
    home.knock()
    await wait_until(lambda: bool(home.asked()))
    assert [line for line in home.asked() if "5351" not in line or "length 4" not in line] == []
    assert len(home.asked()) == 1
    assert home.forwarded() == set()
