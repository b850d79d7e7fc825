"""Rules for which hosts a received envelope may make us contact: peers and trackers (threat T4).

Owns the rules for addresses and for announce URLs. Pure: facts about this machine come from `AddressFacts`. Must not
resolve names, open sockets or read settings.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Literal, Protocol, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

MOST_CONTACTS: Final = 16
"""The most contacts of one envelope, and the most addresses of one name, to connect to: as many as an agent writes into
its own envelopes, and too few to make recipients scan a network."""

_V4: Final = tuple(
    (IPv4Network(network), clause)
    for network, clause in (
        ("0.0.0.0/8", "is unspecified"),  # RFC 1122, 3.2.1.3; on Linux 0.0.0.0 means this machine
        ("169.254.0.0/16", "is link-local"),  # RFC 3927
        ("224.0.0.0/4", "is multicast"),  # RFC 5771
        ("255.255.255.255/32", "is broadcast"),  # RFC 919
        ("240.0.0.0/4", "is reserved"),  # RFC 1112, 4
    )
)
_V6: Final = tuple(
    (IPv6Network(network), clause)
    for network, clause in (
        ("::/128", "is unspecified"),
        ("fe80::/10", "is link-local"),  # RFC 4291, 2.5.6
        ("ff00::/8", "is multicast"),  # RFC 4291, 2.7
    )
)
_V6_IN_USE: Final = (IPv6Network("2000::/3"), IPv6Network("fc00::/7"), IPv6Network("::1/128"))
"""Global unicast (RFC 4291), unique local (RFC 4193), loopback; everything else is reserved."""
_ENDING_IN_V4: Final = tuple(
    map(IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48"))
)
"""IPv4-mapped and IPv4-compatible (RFC 4291, 2.5.5), translated (RFC 2765), NAT64 (RFC 6052, RFC 8215)."""
_6TO4: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_NOT_V4: Final = frozenset({IPv6Address("::"), IPv6Address("::1")})

_URL: Final = re.compile(
    r"(?P<scheme>https?|udp)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#\\]*)?(?P<query>\?[^#\\]*)?",
    re.ASCII | re.IGNORECASE,
)
"""No user, no fragment, and nothing in which two parsers would see different hosts."""
_PATH: Final = re.compile(r"/announce(?:/[A-Za-z0-9_~{}-]+)*/?", re.ASCII)
"""Paths that our tracker serves and libtorrent's ``ssrf_mitigation`` accepts; no dots, so no path traversal."""
_ANY_PATH: Final = re.compile(
    r"/(?:[A-Za-z0-9_~{}-]+/)*announce[A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_~{}-]+)*/?", re.ASCII
)
"""Also ``/KEY/announce`` and ``/announce.php``: announce URLs by BEP 48."""
_PORTS: Final = {"http": 80, "https": 443}
_PASSKEY: Final = "[0-9a-f]{64}"


class AddressFacts(Protocol):
    """Facts about this machine; implemented by `tuishare.net.local_machine.LocalMachine`."""

    def is_own(self, address: Address) -> bool:
        """Return whether an interface of this machine has the address."""

    def is_broadcast(self, address: Address) -> bool:
        """Return whether this is the broadcast address of a network of this machine."""

    def is_marked(self, address: Address, port: int) -> bool:
        """Return whether an agent on this machine has marked that port as its own."""


@dataclass(frozen=True, slots=True)
class AddressFault:
    """Why an address must not be contacted.

    Attributes:
        clause: such as ``is link-local``.
        lasting: whether the verdict is final; an address of this machine is allowed once an agent listens there.
    """

    clause: str
    lasting: bool = True


def embedded_ipv4(address: Address) -> Address:
    """Return the IPv4 address that a transition mechanism embeds in an IPv6 address, else the address itself."""
    if isinstance(address, IPv4Address) or address in _NOT_V4:
        return address
    value = int(address)
    if address in _6TO4:
        return IPv4Address(value >> 80 & 0xFFFF_FFFF)
    if address in _TEREDO:
        return IPv4Address(~value & 0xFFFF_FFFF)  # RFC 4380, 4
    if any(address in network for network in _ENDING_IN_V4):
        return IPv4Address(value & 0xFFFF_FFFF)
    return address


def address_fault(address: Address) -> str | None:
    """Return why an address cannot be that of a peer or tracker, such as ``is multicast``; None if it can."""
    host = embedded_ipv4(address)
    if isinstance(host, IPv4Address):
        return next((clause for network, clause in _V4 if host in network), None)
    if clause := next((clause for network, clause in _V6 if host in network), None):
        return clause
    return None if any(host in network for network in _V6_IN_USE) else "is reserved"


def judge(address: Address, port: int, machine: AddressFacts) -> AddressFault | None:
    """Return why an address from an envelope or a tracker must not be contacted; None if it may be.

    Args:
        address: to connect to; of a name, what it resolves to.
        port: 1..65535.
        machine: facts about this machine.
    """
    if clause := address_fault(address):
        return AddressFault(clause)
    host = embedded_ipv4(address)
    if machine.is_broadcast(host):
        return AddressFault("is broadcast")
    if (host.is_loopback or machine.is_own(host)) and not machine.is_marked(host, port):
        return AddressFault("is this machine, where no tuishare has that port", lasting=False)
    return None


def read_address(host: str) -> Address | None:
    """Parse an address; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class TrackerRules:
    """Which trackers may be contacted for one download.

    Attributes:
        transport: of its swarm.
        contacts: hosts at which its sender seeds.
        listed: trackers that the settings allow for downloads, as ``HOST`` or ``HOST:PORT``.
        chosen: announce URLs in the settings; ``{passkey}`` stands for the passkey.
        any_host: allow any host: the user chose the file, and has no other way to find peers.
    """

    transport: Literal["tls", "plain"]
    contacts: Iterable[str] = ()
    listed: Iterable[str] = ()
    chosen: tuple[str, ...] = field(default=(), repr=False)
    any_host: bool = False

    def chose(self, url: str) -> bool:
        """Whether the settings contain this URL or its host, which then may be at any address."""
        return self._names(url) or not tracker_names(url).isdisjoint(_normal(name) for name in self.listed)

    def fault(self, url: str, *, pinned: bool) -> str | None:
        """Return why a tracker must not be contacted, as a clause; None if it may be. See `judge` for addresses.

        Args:
            url: its announce URL with the passkey or ``{passkey}``; the clause quotes nothing of it.
            pinned: whether the key of its certificate is known.
        """
        if self._names(url):
            return None
        match = _read(url)
        if match is None:
            return "has no announce URL"
        chosen = self.chose(url)
        if not (chosen or self.any_host or _host(match) in map(_normal, self.contacts)):
            return "is neither at an address of the sender nor in the settings"
        if fault := self._form_fault(match, loose=chosen or self.any_host):
            return fault
        if self.transport == "tls" and (_scheme(match) != "https" or not (pinned or chosen)):
            return "is not asked over https with a key that the sender signed"
        return None

    def _names(self, url: str) -> bool:
        return any(
            re.fullmatch(
                re.escape(one).replace(re.escape("{passkey}"), rf"(?:{_PASSKEY}|\{{passkey\}})"), url
            )
            for one in self.chosen
        )

    def _form_fault(self, match: re.Match[str], *, loose: bool) -> str | None:
        path = match["path"] or ""
        if _scheme(match) == "udp":
            # The path is not sent. The sender's own tracker is never of this kind.
            return None if loose else "is not one that tuishare has"
        if not (_ANY_PATH if loose else _PATH).fullmatch(path):
            return "has a path that does not begin with /announce"
        return None if loose or not match["query"] else "has a query"


def tracker_names(url: str) -> set[str]:
    """Return a tracker's host as the settings may name it, with and without port; empty if the URL is malformed."""
    match = _read(url)
    if match is None:
        return set()
    host = _host(match)
    literal = f"[{host}]" if ":" in host else host
    return {literal, host, f"{literal}:{match['port'] or _PORTS.get(_scheme(match), 0)}"}


def _read(url: str) -> re.Match[str] | None:
    match = _URL.fullmatch(url)
    return match if match and 0 < int(match["port"] or 1) <= 65_535 else None


def _scheme(match: re.Match[str]) -> str:
    return match["scheme"].lower()


def _host(match: re.Match[str]) -> str:
    return _normal(match["host"])


def _normal(host: str) -> str:
    """Normalize a host, or ``HOST:PORT``, for comparison."""
    bare = host.removeprefix("[").removesuffix("]")
    address = read_address(bare)
    return str(address) if address else host.lower().rstrip(".")


def unmapped(host: Address) -> Address:
    """Return the IPv4 address of an IPv4-mapped one (RFC 4291, 2.5.5.2), else the address itself."""
    return (host.ipv4_mapped or host) if isinstance(host, IPv6Address) else host
