"""The ``[web]`` table: where the web page listens, and by which names it is opened.

Owns the rule that the page is reachable from other machines only over https, its own or that of a named proxy. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from tuishare.errors import BadInput
from tuishare.net.addresses import Address
from tuishare.net.endpoints import Endpoint, parse_endpoint

_LOOPBACK: Final = "127.0.0.1"
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[web]``: the web page of `tuishare web`.

    Attributes:
        listen: ``[HOST]:PORT``; without a host, loopback.
        certificate: path of a PEM file with the certificate chain for https; empty: http.
        key: path of the PEM file with its private key.
        trusted_proxies: addresses of https proxies in front of the page; only their ``X-Forwarded-For`` counts.
        hosts: names by which the page is opened, besides ``localhost``; links are made with the first.
    """

    listen: str = "127.0.0.1:50013"
    certificate: str = ""
    key: str = ""
    trusted_proxies: list[str] = []
    hosts: list[str] = []

    @property
    def endpoint(self) -> Endpoint:
        """`listen` in parts."""
        return parse_endpoint(self.listen, default_host=_LOOPBACK, any_port=True)

    def is_proxy(self, address: Address) -> bool:
        """Whether a connection from this address is that of a trusted proxy."""
        networks = map(ipaddress.ip_network, self.trusted_proxies)
        return any(address in network for network in networks if network.version == address.version)

    def texts(self) -> Iterator[tuple[str, str, Callable[[str], object]]]:
        """Yield each text that has a grammar: its key, the text, and the parser, which may raise `BadInput`."""
        yield "listen", self.listen, lambda _: self.endpoint
        for network in self.trusted_proxies:
            yield "trusted_proxies", network, check_network
        for name in self.hosts:
            yield "hosts", name, _check_name

    def find_conflict(self) -> str:
        """Return what is wrong with the settings together, one clause; empty if nothing is."""
        if bool(self.certificate) != bool(self.key):
            return "web.certificate and web.key are needed together"
        if not (_is_loopback(self.endpoint.host) or self.certificate or self.trusted_proxies):
            return (
                f"web.listen = {self.listen!r} is not loopback: that needs web.certificate and web.key, "
                "or web.trusted_proxies"
            )
        return ""


def check_network(text: str) -> None:
    """Check an address or a network.

    Raises:
        BadInput: it is neither.
    """
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise BadInput(
            f"{text[:80]!r} is not an address", hint="Write it like 192.0.2.7 or 192.0.2.0/24."
        ) from error


def _check_name(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not _NAME.fullmatch(text):
            raise BadInput(
                f"{text[:80]!r} is not a host name", hint="Write it like files.example.org, without a port."
            ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
