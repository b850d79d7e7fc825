"""The addresses that stand in an envelope."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from tuishare.config.model import Config, NetworkSettings, TrackerSettings
from tuishare.core.own_addresses import (
    MAX_CONTACTS,
    check_addresses,
    find_contacts,
    listen_port,
    ssh_reach_ports,
)
from tuishare.errors import BadConfiguration, BadInput
from tuishare.home_paths import find_places
from tuishare.swarm import parse_endpoint


def alone(public_host: str) -> NetworkSettings:
    return NetworkSettings(public_host=public_host, share_addresses=False)


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        ("alice.example", "alice.example:7000"),
        ("alice.example:9", "alice.example:9"),
        ("192.0.2.7", "192.0.2.7:7000"),
        ("192.0.2.7:9", "192.0.2.7:9"),
        ("2001:db8::7", "[2001:db8::7]:7000"),
        ("[2001:db8::7]", "[2001:db8::7]:7000"),
        ("[2001:db8::7]:9", "[2001:db8::7]:9"),
    ],
)
def test_the_public_host_comes_first_with_its_port_or_ours(public: str, expected: str) -> None:
    assert find_contacts(alone(public), 7000) == (expected, "127.0.0.1:7000")


@pytest.mark.parametrize("public", ["alice.example:http", "a b", "alice.example:70000", "[192.0.2.7]:5"])
def test_a_malformed_public_host_is_said(public: str) -> None:
    with pytest.raises(BadInput):
        find_contacts(alone(public), 7000)


def test_nobody_learns_our_addresses_unless_we_share_them() -> None:
    assert find_contacts(NetworkSettings(share_addresses=False), 7000) == ("127.0.0.1:7000",)


def pretend(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let this machine have the addresses."""
    own = frozenset(map(ipaddress.ip_address, addresses))
    monkeypatch.setattr("tuishare.core.own_addresses.own_addresses", lambda: own)


def test_only_addresses_that_others_can_use_are_listed_and_global_ones_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(
        monkeypatch, "127.0.0.1", "192.168.1.5", "169.254.3.4", "::1", "fe80::1",
        "2a00::5", "8.8.8.8", "192.168.1.5",
    )  # fmt: skip
    assert find_contacts(NetworkSettings(), 7) == ("8.8.8.8:7", "[2a00::5]:7", "192.168.1.5:7", "127.0.0.1:7")


def test_the_list_is_short_and_keeps_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, *(f"10.0.0.{number}" for number in range(1, 60)))
    found = find_contacts(NetworkSettings(public_host="alice.example"), 7)
    assert len(found) == MAX_CONTACTS
    assert (found[0], found[-1]) == ("alice.example:7", "127.0.0.1:7")


def test_what_this_machine_says_of_itself_can_be_read_by_the_swarm() -> None:
    for contact in find_contacts(NetworkSettings(), 7000):
        endpoint = parse_endpoint(contact)
        assert endpoint.port == 7000
        assert not ipaddress.ip_address(endpoint.host).is_link_local


@pytest.mark.parametrize(("address", "port"), [(":50007", 50007), ("127.0.0.1:0", 0), ("[::]:9", 9)])
def test_the_port_of_a_listen_address(address: str, port: int) -> None:
    assert listen_port(address) == port


@pytest.mark.parametrize("tracker", [TrackerSettings("localhost:7"), TrackerSettings("studio.example:7")])
def test_a_name_in_the_settings_is_refused(tmp_path: Path, tracker: TrackerSettings) -> None:
    with pytest.raises(BadConfiguration, match=r"key tracker\.listen: .* is a name"):
        check(tmp_path, NetworkSettings(), tracker)


def check(root: Path, network: NetworkSettings, tracker: TrackerSettings) -> None:
    check_addresses(Config(network=network, tracker=tracker), find_places({"TUISHARE_HOME": str(root)}))


@pytest.mark.parametrize(
    ("network", "tracker", "keys"),
    [
        (NetworkSettings(":7"), TrackerSettings(":7"), "network.listen and tracker.listen"),
        (NetworkSettings(":7"), TrackerSettings("127.0.0.1:7"), "network.listen and tracker.listen"),
        (NetworkSettings("[2001:db8::7]:7"), TrackerSettings(":7"), "network.listen and tracker.listen"),
        (NetworkSettings("0.0.0.0:7"), TrackerSettings("[::]:7"), "network.listen and tracker.listen"),
        (
            NetworkSettings("192.0.2.7:7"),
            TrackerSettings("192.0.2.7:7"),
            "network.listen and tracker.listen",
        ),
        (
            NetworkSettings(":7", listen_plain=":7"),
            TrackerSettings(),
            "network.listen and network.listen_plain",
        ),
        (
            NetworkSettings(listen_plain=":7"),
            TrackerSettings(":7"),
            "network.listen_plain and tracker.listen",
        ),
        (
            NetworkSettings(":7", listen_plain=":8"),
            TrackerSettings(":9", ":7"),
            "network.listen and tracker.listen_plain",
        ),
        (
            NetworkSettings(listen_plain=":8"),
            TrackerSettings(":7", ":7"),
            "tracker.listen and tracker.listen_plain",
        ),
    ],
)
def test_one_port_is_not_for_two(
    tmp_path: Path, network: NetworkSettings, tracker: TrackerSettings, keys: str
) -> None:
    with pytest.raises(BadConfiguration, match=f"{keys} both have port 7") as caught:
        check(tmp_path, network, tracker)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("network", "tracker"),
    [
        (NetworkSettings(), TrackerSettings()),
        (NetworkSettings(":0", listen_plain=":0"), TrackerSettings(":0", ":0")),
        (NetworkSettings("127.0.0.1:7"), TrackerSettings("192.0.2.7:7")),
        (NetworkSettings("[::]:7"), TrackerSettings("0.0.0.0:7")),
        (NetworkSettings(":7"), TrackerSettings("")),
        (NetworkSettings(":7"), TrackerSettings(":9", ":7")),  # only there while plain swarms are
        (
            NetworkSettings(":7", listen_plain=":8"),
            TrackerSettings("", ":7"),
        ),  # without https there is no tracker at all
        (NetworkSettings(":7", proxy="socks5://127.0.0.1:9050"), TrackerSettings(":7")),  # nothing listens
    ],
)
def test_ports_that_do_not_meet(tmp_path: Path, network: NetworkSettings, tracker: TrackerSettings) -> None:
    check(tmp_path, network, tracker)


def test_a_hub_comes_after_all_others_and_always_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = frozenset(ipaddress.ip_address(f"8.8.8.{number}") for number in range(1, 30))
    monkeypatch.setattr("tuishare.core.own_addresses.own_addresses", lambda: hosts)
    found = find_contacts(NetworkSettings(), 7, by_hub="hub.example:21002")
    assert len(found) == MAX_CONTACTS
    assert found[-2:] == ("hub.example:21002", "127.0.0.1:7")
    assert found[0] == "8.8.8.1:7"


def test_ports_at_an_ssh_server_are_our_own_numbers_or_three_in_a_row() -> None:
    assert ssh_reach_ports(Config()) == {"link": 50011, "tracker": 50009, "swarm": 50007}
    chosen = NetworkSettings(reach_port=21_000)
    assert ssh_reach_ports(Config(network=chosen)) == {"link": 21_000, "tracker": 21_001, "swarm": 21_002}
    without = Config(network=chosen, tracker=TrackerSettings(listen=""))
    assert ssh_reach_ports(without) == {"link": 21_000, "swarm": 21_002}
    assert "swarm" not in ssh_reach_ports(Config(network=NetworkSettings(listen=":0")))
