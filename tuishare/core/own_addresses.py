"""Our own addresses: where peers can reach this machine, for envelopes.

Owns the choice of addresses, and which addresses the settings may have. Must not contact any other machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Final

from tuishare.config.model import Config, NetworkSettings
from tuishare.errors import BadConfiguration, BadInput
from tuishare.home_paths import Places
from tuishare.link.mailbox.messages import ReachService
from tuishare.net.addresses import MOST_CONTACTS, address_fault
from tuishare.net.endpoints import parse_listen_address
from tuishare.net.local_machine import own_addresses
from tuishare.swarm import Endpoint, parse_endpoint

MAX_CONTACTS: Final = MOST_CONTACTS
_LOOPBACK: Final = "127.0.0.1"
_ADDRESSES: Final = (
    *("network.listen", "network.listen_plain", "network.public_host"),
    *("tracker.listen", "tracker.listen_plain", "link.listen"),
)  # fmt: skip
"""The settings whose values are addresses."""
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 — only compared
"""The hosts that stand for every address of their family; an empty host stands for both."""
_HOST_HINT: Final = "Use a name or an address, for example studio.example.org."


def find_contacts(
    network: NetworkSettings, port: int, *, outside: str = "", of_swarm: bool = True, by_hub: str = ""
) -> tuple[str, ...]:
    """Return ``host:port`` of each address for a manifest: public host, interfaces, hub, loopback; best first.

    Args:
        network: the settings; ``public_host`` may include the external port of the swarms.
        port: the local port.
        outside: ``host:port`` at which a router forwards to that port, or empty.
        of_swarm: whether it is the port of the swarms.
        by_hub: ``host:port`` at which a hub forwards to that port, or empty; used when the others fail.

    Returns:
        At most `MAX_CONTACTS`; the last one is always loopback, for recipients on the same machine.

    Raises:
        BadInput: ``public_host`` is malformed.
    """
    own = _own_addresses() if network.share_addresses else ()
    public = _public(network.public_host, port)
    if not of_swarm:
        public = (str(replace(parse_endpoint(contact), port=port)) for contact in public)
    known = [outside] if outside else []
    found = dict.fromkeys([*public, *known, *(str(Endpoint(host, port)) for host in own)])
    last = (*([by_hub] if by_hub else ()), str(Endpoint(_LOOPBACK, port)))
    return (*tuple(found)[: MAX_CONTACTS - len(last)], *last)


def check_addresses(config: Config, places: Places) -> None:
    """Check all addresses of the settings.

    Raises:
        BadConfiguration: one is malformed, or two would listen on the same port.
    """
    for key in _ADDRESSES:
        table, _, name = key.partition(".")
        try:
            _check_address(key, getattr(getattr(config, table), name))
        except BadInput as error:
            raise BadConfiguration(f"{places.config_file}: {error.detail}", hint=error.hint) from error
    for (key, one), (other_key, other) in combinations(listen_addresses(config).items(), 2):
        port = listen_port(one)
        if port and port == listen_port(other) and _overlap(_hosts(key, one), _hosts(other_key, other)):
            raise BadConfiguration(
                f"{places.config_file}: {key} and {other_key} both have port {port}",
                hint="Choose another port for one of them.",
            )


def listen_addresses(config: Config) -> Mapping[str, str]:
    """Return where the agent listens with these settings: ``[HOST]:PORT`` by key; empty behind a proxy."""
    network, tracker = config.network, config.tracker
    if network.outgoing_proxy is not None:
        return {}
    plain = network.listen_plain
    wanted = {
        "network.listen": network.listen,
        "network.listen_plain": plain,
        "tracker.listen": tracker.listen,
        "tracker.listen_plain": tracker.listen_plain if plain and tracker.listen else "",
        "link.listen": config.link.listen if config.link.enabled else "",
    }
    return {key: address for key, address in wanted.items() if address}


def ssh_reach_ports(config: Config) -> Mapping[ReachService, int]:
    """Return which ports of an SSH server are to be forwarded to ours: links, tracker, swarms.

    Those that are closed here are left out; so is a port of our own that the system chooses, unless
    ``network.reach_port`` says which one there is for it.
    """
    listening, first = listen_addresses(config), config.network.reach_port
    keys: dict[ReachService, str] = {
        "link": "link.listen",
        "tracker": "tracker.listen",
        "swarm": "network.listen",
    }
    ports = {
        service: first + place if first else listen_port(listening[key])
        for place, (service, key) in enumerate(keys.items())
        if key in listening
    }
    return {service: port for service, port in ports.items() if port}


def _check_address(key: str, given: str) -> None:
    """Check one setting, such as ``network.public_host``; an empty value, or a setting that is no address, is valid.

    Raises:
        BadInput: it is malformed.
    """
    if key not in _ADDRESSES or not given:
        return
    try:
        if key == "network.public_host":
            tuple(_public(given, port=1))
        else:
            listen_port(given)
    except BadInput as error:
        raise BadInput(f"key {key}: {error.detail}", hint=error.hint) from error


def listen_port(address: str) -> int:
    """Return the port of a listen address ``[HOST]:PORT``.

    Raises:
        BadInput: it is malformed.
    """
    return parse_listen_address(address).port


def _hosts(key: str, address: str) -> tuple[str, ...]:
    host = parse_listen_address(address).host
    # Unlike the engine, tracker and link accept both families on "::".
    everywhere = not host or (host == "::" and key.startswith(("tracker.", "link.")))
    return _EVERYWHERE if everywhere else (host,)


def _overlap(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(
        one == other or ((":" in one) == (":" in other) and not {one, other}.isdisjoint(_EVERYWHERE))
        for one in some
        for other in others
    )


def _public(host: str, port: int) -> Iterator[str]:
    if not host:
        return
    bracketed = host.startswith("[") and host.endswith("]")
    bare = bracketed or (host.count(":") != 1 and not host.startswith("["))
    literal = f"[{host}]" if ":" in host and not bracketed else host
    try:
        yield str(parse_endpoint(f"{literal}:{port}" if bare else host))
    except BadInput as error:
        # Quote what the user wrote: the port may have been added here.
        raise BadInput(f"{host[:80]!r} is not a public host", hint=_HOST_HINT) from error


def is_public_ipv4(host: str) -> bool:
    """Return whether a host is an IPv4 address that can be reached from everywhere."""
    address = ipaddress.ip_address(host)
    return address.version == 4 and address.is_global


def has_public_address() -> bool:
    """Return whether an interface of this machine has such an address, so that no router is in the way."""
    return any(map(is_public_ipv4, _own_addresses()))


def _own_addresses() -> tuple[str, ...]:
    """Return the unicast addresses of all interfaces, global ones first, without loopback and link-local."""
    usable = [ip for ip in own_addresses() if not (ip.is_loopback or address_fault(ip))]
    return tuple(str(ip) for ip in sorted(usable, key=lambda ip: (not ip.is_global, ip.version, int(ip))))
