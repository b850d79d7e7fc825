"""Contacts turned into addresses.

Owns the look-up of names. libtorrent takes addresses only; a name that does not resolve now is tried again with the
next round of dialling, so it is no error.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from tuishare.swarm.endpoint import Endpoint

MAX_CONTACTS = 64
"""Contacts come from other people: more than this many are not dialled."""

_PATIENCE = 5.0


def split_contacts(contacts: Iterable[Endpoint]) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
    """Tell addresses, usable at once, from names, which must be looked up; at most `MAX_CONTACTS` in all."""
    unique = tuple(dict.fromkeys(contacts))[:MAX_CONTACTS]
    addresses = tuple(contact for contact in unique if _is_address(contact.host))
    return addresses, tuple(contact for contact in unique if contact not in addresses)


async def resolve(contacts: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Look up every name; takes at most 5 seconds.

    Returns:
        The addresses, without those whose name is unknown at present.
    """
    addresses, names = split_contacts(contacts)
    found = await asyncio.gather(*(_look_up(name) for name in names))
    return tuple(dict.fromkeys([*addresses, *(address for group in found for address in group)]))


async def _look_up(name: Endpoint) -> list[Endpoint]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await loop.getaddrinfo(name.host, name.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [Endpoint(str(address[0]), name.port) for *_, address in found]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
