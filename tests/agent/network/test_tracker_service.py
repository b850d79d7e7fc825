"""How members find each other, as far as the agent has to do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.agent.homes import Home, fill, share_of
from tests.agent.network.test_reachability import Heard
from tests.waiting import wait_until
from tuishare.agent.network import tracker_service as announcing_module
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.config.model import Config, load_config
from tuishare.core.records import TrackerAddress
from tuishare.errors import BadConfiguration
from tuishare.net.local_machine import LocalMachine

PIN = "ab" * 32


@asynccontextmanager
async def announcing(home: Home, **tracker: Any) -> AsyncIterator[tuple[TrackerService, Config]]:
    config = load_config(home.places)
    config = msgspec.structs.replace(config, tracker=msgspec.structs.replace(config.tracker, **tracker))
    async with TrackerService.running(config, home.places) as running:
        yield running, config


async def test_a_manifest_names_our_tracker_with_its_pin_and_the_others_last(alice: Home) -> None:
    async with announcing(alice, others=["https://other.example/announce"]) as (ours, config):
        *own, other = ours.addresses(config, Heard(), "tls")
        assert [(each.url, each.pin) for each in own] == [
            (f"https://127.0.0.1:{ours.port}/announce/{{passkey}}", own[0].pin)
        ]
        assert len(own[0].pin or b"") == 32
        assert (other.url, other.pin) == ("https://other.example/announce", None)
        assert ours.addresses(config, Heard(), "plain") == (other,)  # no plain swarms, so no http


async def test_plain_swarms_are_tracked_over_http(alice: Home) -> None:
    alice.configure(
        network={"listen": "127.0.0.1:0", "listen_plain": "127.0.0.1:0", "share_addresses": False}
    )
    async with announcing(alice) as (ours, config):
        (own,) = ours.addresses(config, Heard(), "plain")
        assert own.url.startswith("http://127.0.0.1:")
        assert own.pin is None


@pytest.mark.parametrize(
    "tables",
    [
        {"tracker": {"listen": ""}},
        {"network": {"listen": "127.0.0.1:0", "proxy": "socks5://127.0.0.1:9", "share_addresses": False}},
    ],
)
async def test_without_a_tracker_nobody_is_sent_to_one(alice: Home, tables: dict[str, Any]) -> None:
    alice.configure(**tables)
    async with TrackerService.running(load_config(alice.places), alice.places) as ours:
        assert (ours.port, ours.addresses(load_config(alice.places), Heard(), "tls")) == (None, ())


async def test_the_certificate_stays_the_same(alice: Home) -> None:
    pins = set()
    for _ in range(2):
        async with announcing(alice) as (ours, config):
            pins.add(ours.addresses(config, Heard(), "tls")[0].pin)
    assert len(pins) == 1
    assert alice.places.tracker_file.stat().st_mode & 0o077 == 0


async def test_a_port_that_is_taken_is_opened_when_it_is_free(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing_module, "_FIRST_PAUSE", 0.05)
    async with AsyncExitStack() as stack:
        ours, _ = await stack.enter_async_context(announcing(alice))
        port = ours.port
        async with announcing(alice, listen=f"127.0.0.1:{port}") as (theirs, _):
            assert theirs.port_fault is not None
            assert (theirs.port, theirs.ports) == (None, (port,))
            assert theirs.addresses(load_config(alice.places), Heard(), "tls")
            await stack.aclose()
            await wait_until(lambda: theirs.port == port)
            assert theirs.port_fault is None


async def test_a_certificate_that_others_may_read_is_not_used(alice: Home) -> None:
    async with announcing(alice):
        pass
    alice.places.tracker_file.chmod(0o644)
    with pytest.raises(BadConfiguration):
        async with announcing(alice):
            pass


async def test_the_engine_announces_on_loopback_and_sees_no_passkey(alice: Home) -> None:
    passkey = "cd" * 32
    trackers = [
        TrackerAddress(f"https://192.0.2.1:7/announce/{passkey}", PIN),
        TrackerAddress(f"https://127.0.0.1:7/announce/{passkey}", PIN),
        TrackerAddress("https://other.example/announce", ""),
        TrackerAddress("udp://other.example:6969", ""),
        TrackerAddress("https://bad host/announce", ""),
    ]
    async with announcing(alice) as (ours, _):
        same, other, udp = await ours.tiers(trackers)
        assert len(same) == 2  # one tracker, two addresses: both are asked
        assert udp == ("udp://other.example:6969",)
        for url in (*same, *other):
            assert url.startswith("http://127.0.0.1:")
            assert passkey not in url
        ours.forget(trackers)
        async with aiohttp.ClientSession() as session, session.get(f"{same[0]}?left=1") as answer:
            assert answer.status == 404
    assert await TrackerService().tiers(trackers) == ()


async def test_behind_a_proxy_udp_trackers_are_left_out(alice: Home) -> None:
    alice.configure(
        network={"listen": "127.0.0.1:0", "proxy": "socks5://127.0.0.1:9", "share_addresses": False}
    )
    async with TrackerService.running(load_config(alice.places), alice.places) as ours:
        assert await ours.tiers([TrackerAddress("udp://other.example:6969", "")]) == ()


async def test_the_envelope_never_names_more_trackers_than_it_may(alice: Home) -> None:
    async with announcing(alice, others=[f"https://t{number}.example/announce" for number in range(15)]) as (
        ours,
        config,
    ):
        addresses = ours.addresses(replace_host(config), Heard(), "tls")
        assert len(addresses) == 16
        assert "127.0.0.1" in addresses[0].url


def replace_host(config: Config) -> Config:
    """The same for somebody with a public name."""
    network = msgspec.structs.replace(config.network, public_host="studio.example")
    return msgspec.structs.replace(config, network=network)


async def test_a_name_is_no_address_of_a_seed(alice: Home) -> None:
    share = replace(share_of(fill(alice.drop / "x")), id="ab" * 16)
    async with announcing(alice) as (ours, _):
        ours.admit(share, {b"h" * 32: "bob"}, ("studio.example:7", "192.0.2.1:7"))
        assert ours.swarm_of(share.id) == ()
        ours.withdraw(share.id)
        ours.withdraw(share.id)


async def test_others_on_this_machine_see_that_the_trackers_port_is_ours(alice: Home) -> None:
    loopback = ip_address("127.0.0.1")
    async with announcing(alice) as (ours, _):
        port = ours.port or 0
        assert LocalMachine().is_marked(loopback, port)
    assert not LocalMachine().is_marked(loopback, port)


@pytest.mark.parametrize(("limit", "visitors", "each"), [(128, 16, 4), (65_536, 512, 64)])
def test_our_tracker_takes_as_many_visitors_as_the_machine_allows(
    monkeypatch: pytest.MonkeyPatch, limit: int, visitors: int, each: int
) -> None:
    monkeypatch.setattr(announcing_module, "descriptor_limit", lambda: limit)
    limits = TrackerService()._tracker.limits
    assert (limits.connections, limits.connections_per_address) == (visitors, each)
