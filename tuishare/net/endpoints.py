"""Endpoints: a host and a port.

Owns the text form ``HOST:PORT`` and its validation. Must not resolve names or open sockets.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tuishare.errors import BadInput

_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_LISTEN_HINT = "Write :50007 for all addresses, or ADDRESS:PORT such as 127.0.0.1:50007."
_ANY = "0.0.0.0"  # noqa: S104 — only parsed
_HINT = "Write HOST:PORT, for example 192.0.2.7:50007, alice.example:50007 or [2001:db8::7]:50007."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a TCP/UDP port.

    Attributes:
        host: an IPv4 address, an IPv6 address without brackets, or a DNS name.
        port: 1..65535; 0 only for our own listeners, meaning any free port.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str, *, default_host: str = "", any_port: bool = False) -> Endpoint:
    """Parse ``HOST:PORT``, with an IPv6 address in brackets.

    Args:
        text: at most 300 characters.
        default_host: the host of a bare ``:PORT``; if empty, that form is refused.
        any_port: whether port 0 is allowed.

    Raises:
        BadInput: the text has another form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or len(text) > 300 or not (port.isascii() and port.isdigit()) or len(port) > 5:
        raise _malformed(text)
    number = int(port)
    if number > 65535 or (number == 0 and not any_port):
        raise BadInput(f"{text[:80]!r} has no valid port", hint=_HINT)
    return Endpoint(_parse_host(host or default_host, text), number)


def parse_listen_address(text: str) -> Endpoint:
    """Parse the address of a listener: ``:PORT`` or ``ADDRESS:PORT``; port 0 means any free one.

    A name is refused: it may mean several addresses, or others tomorrow, and libtorrent looks none up.

    Returns:
        The endpoint; its host is empty for ``:PORT``, which stands for all addresses of both families.

    Raises:
        BadInput: the text has another form.
    """
    try:
        endpoint = parse_endpoint(text, default_host=_ANY, any_port=True)
    except BadInput as error:
        raise BadInput(error.detail, hint=_LISTEN_HINT) from error
    if text.startswith(":"):
        return Endpoint("", endpoint.port)
    try:
        ipaddress.ip_address(endpoint.host)
    except ValueError:
        near = f"127.0.0.1:{endpoint.port}" if endpoint.host.lower() == "localhost" else f":{endpoint.port}"
        raise BadInput(
            f"{text[:80]!r} is a name, and only an address can be listened on",
            hint=f"Write {near}, or an address of this machine with the port.",
        ) from None
    return endpoint


def _parse_host(host: str, text: str) -> str:
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        # A malformed address (1.2.3, 999.1.1.1) must not reach a more lenient resolver.
        if len(host) > 253 or not _NAME.fullmatch(host) or host.rstrip(".").rpartition(".")[2].isdigit():
            raise _malformed(text) from None
        return host
    if bracketed != (address.version == 6):
        raise _malformed(text)
    return str(address)


def _malformed(text: str) -> BadInput:
    return BadInput(f"{text[:80]!r} is not a host and a port", hint=_HINT)


def is_on_loopback(url: str) -> bool:
    """Whether the host of a URL is a loopback address (not a name that may resolve to one)."""
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False
