"""What router and peers say about us, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tuishare.agent.network.reachability import (
    find_problems,
    find_public_address,
    is_reachable,
    mapped_address,
    swarm_contacts,
    tracker_contacts,
)
from tuishare.config.model import NetworkSettings, Transport
from tuishare.core import own_addresses
from tuishare.swarm import MappedPort

ALONE = NetworkSettings(share_addresses=False)
FORWARDED = (MappedPort(50007, 60007, "tcp", "UPnP"), MappedPort(50009, 50009, "tcp", "UPnP"))


@dataclass(frozen=True)
class Heard:
    """An engine that has heard this."""

    listening: Mapping[Transport, int] = field(default_factory=lambda: {"tls": 50007})
    external_addresses: tuple[str, ...] = ("192.168.1.7", "8.8.8.8")
    mapped_ports: tuple[MappedPort, ...] = FORWARDED
    mapping_faults: tuple[str, ...] = ()

    @property
    def ports(self) -> Mapping[Transport, int]:
        return self.listening


def test_a_forwarded_port_and_a_public_address_go_into_envelopes() -> None:
    assert swarm_contacts(ALONE, Heard(), "tls") == ("8.8.8.8:60007", "127.0.0.1:50007")
    assert tracker_contacts(ALONE, Heard(), 50009) == ("8.8.8.8:50009", "127.0.0.1:50009")
    assert swarm_contacts(ALONE, Heard(), "plain") == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"mapped_ports": ()},
        {"mapped_ports": (MappedPort(50007, 60007, "udp", "UPnP"),)},
        {"external_addresses": ("192.168.1.7",)},
        {"external_addresses": ()},
    ],
)
def test_hearsay_alone_does_not(changes: dict[str, Any]) -> None:
    engine = Heard(**changes)
    assert mapped_address(engine, 50007) == ""
    assert swarm_contacts(ALONE, engine, "tls") == ("127.0.0.1:50007",)
    assert (find_public_address(ALONE, engine), is_reachable(ALONE, engine)) == ("", None)


def test_what_is_shown() -> None:
    assert find_public_address(ALONE, Heard()) == "8.8.8.8:60007"
    assert is_reachable(ALONE, Heard()) is True
    named = NetworkSettings(public_host="studio.example", share_addresses=False)
    assert find_public_address(named, Heard()) == "studio.example:50007"
    refused = Heard(mapped_ports=(), mapping_faults=("UPnP did not map a port: no router",))
    assert is_reachable(NetworkSettings(port_mapping=True), refused) is False
    assert is_reachable(NetworkSettings(port_mapping=True, public_host="a.example"), refused) is None
    assert is_reachable(ALONE, Heard(listening={})) is False
    assert find_public_address(ALONE, Heard(listening={})) == ""


def test_why_nobody_reaches_us_is_a_problem_to_show() -> None:
    wanted = NetworkSettings(port_mapping=True)
    refused = Heard(mapped_ports=(), mapping_faults=("UPnP did not map a port: no router",))
    (problem,) = find_problems(wanted, refused, 7)
    assert "UPnP did not map a port" in problem.detail
    assert problem.since == 7
    assert problem.title == "No port is forwarded"
    assert find_problems(wanted, Heard(mapped_ports=()), 7) == ()
    assert find_problems(NetworkSettings(port_mapping=True, public_host="a.example"), refused, 7) == ()


def test_a_port_that_is_not_forwarded_is_told_although_another_is() -> None:
    partly = Heard(mapping_faults=("UPnP did not map a port: conflict",))
    assert is_reachable(NetworkSettings(port_mapping=True), partly) is True
    (problem,) = find_problems(NetworkSettings(port_mapping=True), partly, 7)
    assert problem.title == "A port is not forwarded"
    assert problem.detail.startswith("Some of your swarms")


def test_a_machine_with_a_public_address_of_its_own_needs_no_router(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_addresses, "_own_addresses", lambda: ("8.8.4.4", "2001:4860::1"))
    refused = Heard(mapped_ports=(), mapping_faults=("no router has answered",))
    assert is_reachable(NetworkSettings(port_mapping=True), refused) is None
    assert find_problems(NetworkSettings(port_mapping=True), refused, 7) == ()


def test_what_a_router_forwards_is_ipv4() -> None:
    both = Heard(external_addresses=("2001:4860::1", "8.8.8.8"))
    assert mapped_address(both, 50007) == "8.8.8.8:60007"
    assert mapped_address(Heard(external_addresses=("2001:4860::1",)), 50007) == ""


def test_the_tracker_never_has_the_port_of_the_swarms() -> None:
    named = NetworkSettings(public_host="studio.example:6001", share_addresses=False)
    nothing = Heard(mapped_ports=())
    assert swarm_contacts(named, nothing, "tls")[0] == "studio.example:6001"
    assert tracker_contacts(named, nothing, 50009)[0] == "studio.example:50009"


def test_a_hub_makes_us_reachable_whatever_the_router_does() -> None:
    hub = "hub.example:21002"
    refused = Heard(mapped_ports=(), mapping_faults=("UPnP did not map a port",))
    wanted = NetworkSettings(port_mapping=True)
    assert is_reachable(wanted, refused, hub) is True
    assert find_problems(wanted, refused, 7, hub) == ()
    assert find_public_address(ALONE, refused, hub) == hub
    assert find_public_address(ALONE, Heard(), hub) == "8.8.8.8:60007"  # a direct way is named first
    assert is_reachable(ALONE, Heard(listening={}), hub) is False
