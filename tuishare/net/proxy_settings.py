"""Parsing of proxy URLs: ``socks5://[USER:PASSWORD@]HOST:PORT`` or ``http://…``.

Owns the grammar. Must not connect to anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from tuishare.errors import BadInput

Kind: TypeAlias = Literal["socks5", "http"]
_KINDS: Final[dict[str, Kind]] = {"socks5": "socks5", "http": "http"}
_HINT: Final = "Write socks5://HOST:PORT or http://HOST:PORT; a user and a password go before an @."


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy for all connections to peers and trackers.

    Attributes:
        kind: the protocol.
        host: name or address, without brackets.
        user: may be empty.
        password: may be empty.
    """

    kind: Kind
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def parse_proxy(text: str) -> Proxy:
    """Parse a proxy URL.

    Raises:
        BadInput: it is malformed; the message does not quote it, because it may contain a password.
    """
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        raise BadInput("This is not a proxy", hint=_HINT) from None
    beyond = parts.path.strip("/") or parts.query or parts.fragment
    hidden = any(sign.isspace() or not sign.isprintable() for sign in text + user + password)
    kind = _KINDS.get(parts.scheme)
    if kind is None or not host or not port or beyond or hidden:
        raise BadInput("This is not a proxy", hint=_HINT)
    return Proxy(kind, host, port, user, password)
