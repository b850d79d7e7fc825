"""Reachability: how peers reach this machine, from its own addresses and from what routers and peers report.

Owns which addresses go into envelopes and to our tracker, whether published addresses still work, and the problem that
is shown when a port is not forwarded. An external address that peers report is published only together with a port that
the router forwards. The addresses of the system are read periodically and not for each of a thousand shares.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Protocol

from tuishare.config.model import NetworkSettings, Transport
from tuishare.core.own_addresses import find_contacts, has_public_address, is_public_ipv4
from tuishare.core.problems import Problem
from tuishare.swarm import Endpoint, MappedPort, parse_endpoint

_log = logging.getLogger(__name__)

SETTLED_SECONDS: Final = 60.0
"""How long addresses have to stay before earlier ones count as lost: routers answer late, laptops wake up slowly."""


class EngineStatus(Protocol):
    """The part of `tuishare.swarm.Engine` that is needed here."""

    @property
    def listening(self) -> Mapping[Transport, int]:
        """The open port of each transport."""

    @property
    def ports(self) -> Mapping[Transport, int]:
        """The port of each transport, also while it cannot be opened."""

    @property
    def external_addresses(self) -> tuple[str, ...]:
        """Our addresses as reported from outside, the latest first."""

    @property
    def mapped_ports(self) -> tuple[MappedPort, ...]:
        """The ports that a router forwards to this machine."""

    @property
    def mapping_faults(self) -> tuple[str, ...]:
        """Why ports are not forwarded."""


def swarm_contacts(
    network: NetworkSettings, engine: EngineStatus, transport: Transport, by_hub: str = ""
) -> tuple[str, ...]:
    """Return ``host:port`` of each address at which swarms of a transport are seeded; none behind a proxy.

    Args:
        network: the settings.
        engine: has the ports.
        transport: of the swarms.
        by_hub: where a hub forwards to our TLS swarms, or empty.
    """
    port = engine.ports.get(transport)
    if not port:
        return ()
    forwarded = by_hub if transport == "tls" else ""
    return find_contacts(network, port, outside=mapped_address(engine, port), by_hub=forwarded)


def tracker_contacts(
    network: NetworkSettings, engine: EngineStatus, port: int, by_hub: str = ""
) -> tuple[str, ...]:
    """Return ``host:port`` of each address of our tracker or links, which listen on that port, and at a hub."""
    outside = mapped_address(engine, port)
    return find_contacts(network, port, outside=outside, of_swarm=False, by_hub=by_hub)


def mapped_address(engine: EngineStatus, port: int) -> str:
    """Return the external ``host:port`` of a local port; empty while no router forwards it."""
    forwarded = [each for each in engine.mapped_ports if each.port == port and each.protocol == "tcp"]
    # A router translates IPv4 only; IPv6 addresses are published with the local port.
    hosts = [host for host in engine.external_addresses if is_public_ipv4(host)]
    return str(Endpoint(hosts[0], forwarded[0].external_port)) if forwarded and hosts else ""


def find_public_address(network: NetworkSettings, engine: EngineStatus, by_hub: str = "") -> str:
    """Return the external ``host:port`` of our swarms, at a hub (`by_hub`) if there is no other; empty if unknown."""
    port = engine.listening.get("tls") or engine.listening.get("plain")
    if port is None:
        return ""
    if network.public_host:
        return find_contacts(network, port)[0]
    return mapped_address(engine, port) or by_hub


def is_reachable(network: NetworkSettings, engine: EngineStatus, by_hub: str = "") -> bool | None:
    """Return whether peers can connect from outside; None if that is unknown.

    Args:
        network: the settings.
        engine: has the ports, and what routers report.
        by_hub: where a hub forwards to our swarms, or empty.
    """
    if not engine.listening:
        return False
    if _is_forwarded(engine) or by_hub:
        return True
    return False if _is_hidden(network, engine) else None


def find_problems(
    network: NetworkSettings, engine: EngineStatus, since: int, by_hub: str = ""
) -> tuple[Problem, ...]:
    """Return the problem of a router that does not forward a port it was asked to, unless a hub does it.

    Args:
        network: the settings.
        engine: has the ports, and what routers report.
        since: of the problem, Unix seconds.
        by_hub: where a hub forwards to our swarms, or empty.
    """
    if by_hub or not _is_hidden(network, engine):
        return ()
    some = _is_forwarded(engine)  # and another swarm or the tracker is not
    consequence = "Some of your swarms cannot be reached" if some else "No peer can connect to you"
    return (
        Problem(
            id="router",
            title="A port is not forwarded" if some else "No port is forwarded",
            detail=f"{consequence} from outside: {'; '.join(engine.mapping_faults)}",
            hint="Forward the ports on your router and set network.public_host, or turn off network.port_mapping.",
            since=since,
        ),
    )


def _is_forwarded(engine: EngineStatus) -> bool:
    """Return whether a router forwards the port of at least one transport."""
    return any(mapped_address(engine, port) for port in engine.listening.values())


def _is_hidden(network: NetworkSettings, engine: EngineStatus) -> bool:
    """Return whether a router is in the way and does not forward every port that it was asked to."""
    in_the_way = network.port_mapping and not network.public_host
    return bool(in_the_way and engine.mapping_faults and not has_public_address())


class AddressWatch:
    """The agent's own addresses.

    Args:
        network: returns the settings in force.
        engine: has the ports, and what routers and peers report.
        now: returns Unix seconds.
        by_hub: returns where a hub forwards to our TLS swarms, or nothing.

    Attributes:
        since: Unix seconds since when they are as they are; 0 before the first check.
    """

    def __init__(
        self,
        network: Callable[[], NetworkSettings],
        engine: EngineStatus,
        now: Callable[[], int],
        by_hub: Callable[[], str] = str,
    ) -> None:
        self._network = network
        self._engine = engine
        self._now = now
        self._by_hub = by_hub
        self.since = 0
        self._contacts: dict[Transport, tuple[str, ...]] = {}
        self._settled = 0.0

    def of(self, transport: Transport) -> tuple[str, ...]:
        """Return ``host:port`` of each address at which swarms of this transport are seeded, as of the last check."""
        if transport not in self._contacts:
            self.look()
        return self._contacts.get(transport, ())

    def look(self) -> bool:
        """Read the addresses; return whether any has changed."""
        network, by_hub = self._network(), self._by_hub()
        try:
            contacts = {
                kind: swarm_contacts(network, self._engine, kind, by_hub) for kind in self._engine.ports
            }
        except OSError as error:
            _log.warning("Cannot read the addresses of this machine: %s", error.strerror)
            return False
        if contacts == self._contacts:
            return False
        self._contacts = contacts
        self.since = self._now()
        self._settled = time.monotonic() + SETTLED_SECONDS
        return True

    def direct_of(self, transport: Transport) -> tuple[str, ...]:
        """Return those that lead to this machine without a hub: others are named by envelopes alone."""
        by_hub = self._by_hub()
        return tuple(contact for contact in self.of(transport) if contact != by_hub)

    def have_left(self, named: tuple[str, ...], transport: Transport) -> bool:
        """Return whether none of these published addresses belongs to the agent any longer, or its hub is not named.

        Addresses that are reachable from everywhere decide, where there are any: a recipient who knows both kinds is
        likely to be far away, and many networks use the same private addresses. Without a network, none has been left.
        """
        ours, widest = self.of(transport), _widest(named)
        found = not widest or not _widest(ours) or not widest.isdisjoint(ours)
        by_hub = self._by_hub() if transport == "tls" else ""
        # Behind a router, those who know our own addresses only may not find us; a hub was joined since.
        lacks_hub = bool(named) and bool(by_hub) and by_hub in ours and by_hub not in named
        return (not found or lacks_hub) and time.monotonic() >= self._settled


@lru_cache(maxsize=64)  # all shares of one place have the same addresses
def _widest(contacts: tuple[str, ...]) -> frozenset[str]:
    """Return the addresses with the widest reach, if that is beyond this machine."""
    reach = {contact: _reach(contact) for contact in contacts}
    most = max(reach.values(), default=0)
    return frozenset(contact for contact, far in reach.items() if far == most and far)


def _reach(contact: str) -> int:
    """Return from where an address can be reached: 0 this machine, 1 this network, 2 anywhere."""
    host = parse_endpoint(contact).host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 2  # a name, whose owner keeps it up to date
    return 0 if address.is_loopback else 2 if address.is_global else 1
