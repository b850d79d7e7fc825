"""Checks of a request before anything else of it counts: by which name, from which page and address (threat T12).

Owns the rules of the allow-list of hosts and of `Origin` and `Sec-Fetch-Site`. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tuishare.config.web_settings import WebSettings
from tuishare.errors import Refused
from tuishare.net.addresses import Address, unmapped

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where the page is opened.

    Attributes:
        settings: of the page.
        port: it listens on.
    """

    settings: WebSettings
    port: int

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https, its own or that of a proxy."""
        return bool(self.settings.certificate or self.settings.trusted_proxies)

    @property
    def url(self) -> str:
        """The address for links, without a slash at its end. Passkeys and secure cookies need a name."""
        host = self.settings.hosts[0] if self.settings.hosts else LOCAL_NAMES[0]
        host = f"[{host}]" if ":" in host else host
        if self.settings.trusted_proxies and not self.settings.certificate:
            return f"https://{host}"
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    @property
    def names(self) -> frozenset[str]:
        """The host names that a request may name, in the form of a URL."""
        named = (f"[{host}]" if ":" in host else host for host in self.settings.hosts)
        return frozenset((*LOCAL_NAMES, *named))


def check_host(host: str, address: PublicAddress) -> None:
    """Check the name by which the page was opened; a foreign one may be that of an attacker's domain.

    Raises:
        Refused: it is not on the list.
    """
    found = _HOST.fullmatch(host.lower())
    if found is None or found[1] not in address.names:
        raise Refused(
            "The page is not opened by this name",
            hint=f"Open {address.url}/ or add the name to web.hosts in the settings.",
        )


def check_origin(method: str, headers: Mapping[str, str], *, secure: bool) -> None:
    """Check from which page a request comes. Browsers tell that in headers that no page can forge.

    A foreign page may link here, so that a link in a mail works; it may not send a form, read or embed anything.

    Args:
        method: of HTTP.
        headers: of the request; its host was checked before.
        secure: whether browsers reach the page by https.

    Raises:
        Refused: it comes from a foreign page, or no browser says from which one.
    """
    site = headers.get("Sec-Fetch-Site", "")
    origin = headers.get("Origin", "").lower()
    own = f"{'https' if secure else 'http'}://{headers.get('Host', '').lower()}"
    if origin == "null" and site == "same-origin":  # our own referrer policy hides the origin of forms
        origin = own
    if method == "GET":
        linked = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
        allowed = origin in {"", own} and (site in {"", "same-origin", "none"} or linked)
    else:
        allowed = origin in {"", own} and site in {"", "same-origin"} and bool(origin or site)
    if not allowed:
        raise Refused(
            "This request comes from another page", hint="Open the page itself, and try again there."
        )


def find_client(peer: Address, headers: Mapping[str, str], settings: WebSettings) -> Address:
    """Return the address that a request comes from: of the connection, or what trusted proxies say in front of it."""
    if not settings.is_proxy(peer):
        return peer
    for text in reversed(headers.get("X-Forwarded-For", "").split(",")):
        try:
            address = unmapped(ipaddress.ip_address(text.strip()))
        except ValueError:
            break
        if not settings.is_proxy(address):
            return address
    return peer
