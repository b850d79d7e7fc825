"""How others reach this machine: its own addresses, and what router and peers say about it from outside.

Owns what follows from that for envelopes, for our tracker and for the screen. Hearsay about our address goes into an
envelope only together with a port that the router forwards to us, because its owner asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tuishare.config.model import NetworkSettings, Transport
from tuishare.core.own_addresses import find_contacts, has_public_address, is_public_ipv4
from tuishare.core.problems import Problem
from tuishare.swarm import Endpoint, MappedPort


class EngineStatus(Protocol):
    """What has to be known of an engine; `tuishare.swarm.Engine` is one."""

    @property
    def listening(self) -> Mapping[Transport, int]:
        """The open port of each transport."""

    @property
    def external_addresses(self) -> tuple[str, ...]:
        """Our addresses as others see them, the one told last first."""

    @property
    def mapped_ports(self) -> tuple[MappedPort, ...]:
        """The ports that a router forwards to us."""

    @property
    def mapping_faults(self) -> tuple[str, ...]:
        """Why ports are not forwarded."""


def swarm_contacts(network: NetworkSettings, engine: EngineStatus, transport: Transport) -> tuple[str, ...]:
    """List ``host:port`` where we seed swarms of that kind; nothing behind a proxy, where nobody reaches us."""
    port = engine.listening.get(transport)
    return find_contacts(network, port, outside=mapped_address(engine, port)) if port else ()


def tracker_contacts(network: NetworkSettings, engine: EngineStatus, port: int) -> tuple[str, ...]:
    """List ``host:port`` where our tracker is, which listens on that port."""
    return find_contacts(network, port, outside=mapped_address(engine, port), of_swarm=False)


def mapped_address(engine: EngineStatus, port: int) -> str:
    """Say where a port of ours is reached from outside, ``host:port``; empty while no router forwards it."""
    forwarded = [each for each in engine.mapped_ports if each.port == port and each.protocol == "tcp"]
    # What a router translates is IPv4; the port of our own IPv6 addresses stands beside them.
    hosts = [host for host in engine.external_addresses if is_public_ipv4(host)]
    return str(Endpoint(hosts[0], forwarded[0].external_port)) if forwarded and hosts else ""


def find_public_address(network: NetworkSettings, engine: EngineStatus) -> str:
    """Say where our swarms seem to be reached from outside, ``host:port``; empty while nobody can tell."""
    port = engine.listening.get("tls") or engine.listening.get("plain")
    if port is None:
        return ""
    if network.public_host:
        return find_contacts(network, port)[0]
    return mapped_address(engine, port)


def is_reachable(network: NetworkSettings, engine: EngineStatus) -> bool | None:
    """Say whether others can connect to us from outside; None where nobody can tell."""
    if not engine.listening:
        return False
    if _is_forwarded(engine):
        return True
    return False if _is_hidden(network, engine) else None


def find_problems(network: NetworkSettings, engine: EngineStatus, since: int) -> tuple[Problem, ...]:
    """Say who cannot connect to us, if that is because a router did not do what it was asked for at that time."""
    if not _is_hidden(network, engine):
        return ()
    some = _is_forwarded(engine)  # and another swarm or the tracker is not
    consequence = "Not all that we offer is reached" if some else "Nobody can connect to us"
    return (
        Problem(
            id="router",
            title="A port is not forwarded" if some else "No port is forwarded",
            detail=f"{consequence} from outside: {'; '.join(engine.mapping_faults)}",
            hint="Forward the ports on your router and set network.public_host, or turn network.port_mapping off.",
            since=since,
        ),
    )


def _is_forwarded(engine: EngineStatus) -> bool:
    """Whether some swarm of ours is reached through a router."""
    return any(mapped_address(engine, port) for port in engine.listening.values())


def _is_hidden(network: NetworkSettings, engine: EngineStatus) -> bool:
    """Whether a router that is in the way does not forward all that it was asked for."""
    in_the_way = network.port_mapping and not network.public_host
    return bool(in_the_way and engine.mapping_faults and not has_public_address())
