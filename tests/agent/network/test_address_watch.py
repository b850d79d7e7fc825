"""Where we are, and whether whoever was told another place still finds us."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import NoReturn

import pytest

from tests.agent.network.test_reachability import Heard
from tuishare.agent.network import reachability
from tuishare.agent.network.reachability import AddressWatch
from tuishare.config.model import NetworkSettings, Transport

HERE, LOOPBACK = "192.168.1.7:50007", "127.0.0.1:50007"


class Line:
    """A line whose settings and addresses change."""

    def __init__(self, *hosts: str) -> None:
        self.asked = 0
        self.share_addresses = False
        self.now = 100
        self.become(*hosts)

    def become(self, *hosts: str) -> None:
        self.hosts = hosts

    def network(self) -> NetworkSettings:
        self.asked += 1
        return NetworkSettings(share_addresses=self.share_addresses, public_host=next(iter(self.hosts), ""))


def settled(line: Line, monkeypatch: pytest.MonkeyPatch) -> AddressWatch:
    monkeypatch.setattr(reachability, "SETTLED_SECONDS", 0.0)
    return AddressWatch(line.network, replace(Heard(), mapped_ports=()), lambda: line.now)


def test_the_system_is_asked_when_it_is_time_not_for_every_share(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line("8.8.8.8")
    places = settled(line, monkeypatch)
    assert [places.of("tls") for _ in range(100)] == [("8.8.8.8:50007", LOOPBACK)] * 100
    assert (line.asked, places.since) == (1, 100)
    line.now = 200
    assert (places.look(), places.since) == (False, 100)
    line.become("9.9.9.9")
    assert (places.look(), places.since) == (True, 200)
    assert places.of("tls") == ("9.9.9.9:50007", LOOPBACK)
    assert places.of("plain") == ()


@pytest.mark.parametrize(
    ("named", "now", "left"),
    [
        (("8.8.8.8:50007", HERE, LOOPBACK), "8.8.8.8", False),
        (("8.8.8.8:50007", HERE, LOOPBACK), "9.9.9.9", True),
        (
            ("8.8.8.8:50007", HERE, LOOPBACK),
            "192.168.1.7",
            True,
        ),  # the same private address is in many a house
        (("8.8.8.8:60007", LOOPBACK), "8.8.8.8", True),  # another port
        (("[2606:4700::1]:50007", "8.8.8.8:50007"), "2606:4700::1", False),
        (("studio.example.org:50007", "8.8.8.8:50007"), "studio.example.org", False),
        ((HERE, LOOPBACK), "192.168.1.7", False),
        ((HERE, LOOPBACK), "10.0.0.3", True),
        ((HERE, LOOPBACK), "", False),  # without a network we have not moved
        ((LOOPBACK,), "9.9.9.9", False),
        ((), "9.9.9.9", False),  # made before this was recorded
    ],
)
def test_whether_we_are_found(
    named: tuple[str, ...], now: str, *, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(*filter(None, [now]))
    assert settled(line, monkeypatch).have_left(named, "tls") is left


def test_an_address_counts_as_lost_only_after_a_while() -> None:
    line = Line("9.9.9.9")
    places = AddressWatch(line.network, replace(Heard(), mapped_ports=()), lambda: 1)
    assert not places.have_left(("8.8.8.8:50007",), "tls")
    places._settled = 0.0
    assert places.have_left(("8.8.8.8:50007",), "tls")


def test_that_the_system_tells_nothing_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is out of descriptors cannot ask for its interfaces."""
    line = Line("8.8.8.8")
    places = settled(line, monkeypatch)
    before = places.of("tls")

    def fail() -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("psutil.net_if_addrs", fail)
    line.share_addresses = True
    assert (places.look(), places.of("tls")) == (False, before)


HUB = "hub.example:21002"


@pytest.mark.parametrize(
    ("named", "transport", "left"),
    [
        ((HERE, LOOPBACK), "tls", True),  # they may be on the other side of a router
        ((HERE, HUB, LOOPBACK), "tls", False),
        ((HERE, LOOPBACK), "plain", False),
        ((), "tls", False),
    ],
)
def test_who_does_not_know_our_hub_may_not_find_us(
    named: tuple[str, ...], transport: Transport, *, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "SETTLED_SECONDS", 0.0)
    line, hub = Line("192.168.1.7"), HUB
    watch = AddressWatch(line.network, replace(Heard(), mapped_ports=()), lambda: 1, lambda: hub)
    assert watch.have_left(named, transport) is left
    assert watch.of("tls") == (HERE, HUB, LOOPBACK)
    assert watch.direct_of("tls") == (HERE, LOOPBACK)
    hub = ""
    assert watch.look()
    assert watch.of("tls") == (HERE, LOOPBACK)
    assert not watch.have_left((HERE, LOOPBACK), "tls")
