"""Contacts turned into addresses that may be called.

Owns the look-up of names, and that what an envelope names is judged before it is called. Of a name, its addresses are
judged, and those are called, so that no second answer of a name server counts. libtorrent takes addresses only. A name
that does not resolve now is tried again with the next round of dialling, so it is no error.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from tuishare.net.addresses import MOST_CONTACTS, AddressFacts, AddressFault, judge, read_address
from tuishare.net.endpoints import Endpoint

MAX_CONTACTS = 64
"""More contacts than this are not called, whatever names them."""

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Received contacts, looked up and judged.

    Attributes:
        good: addresses that may be called.
        faults: what was received and why (part of) it is not called.
    """

    good: tuple[Endpoint, ...]
    faults: tuple[tuple[Endpoint, AddressFault], ...]


def split_contacts(contacts: Iterable[Endpoint]) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
    """Tell addresses, usable at once, from names, which must be looked up; at most `MAX_CONTACTS` in all."""
    unique = tuple(dict.fromkeys(contacts))[:MAX_CONTACTS]
    addresses = tuple(contact for contact in unique if read_address(contact.host))
    return addresses, tuple(contact for contact in unique if contact not in addresses)


def limit_received(received: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Keep the first of what an envelope names."""
    return tuple(dict.fromkeys(received))[:MOST_CONTACTS]


def judge_addresses(received: Iterable[Endpoint], machine: AddressFacts) -> Judged:
    """Judge those received contacts that are addresses, and leave the names out.

    Raises:
        OSError: the system does not tell its addresses now.
    """
    addresses, _ = split_contacts(limit_received(received))
    return _judge({contact: [contact] for contact in addresses}, machine)


async def resolve(contacts: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Look up every name; takes at most 5 seconds.

    Returns:
        The addresses, without those whose name is unknown at present.
    """
    found = await _look_up_all(contacts)
    return tuple(dict.fromkeys(address for group in found.values() for address in group))


async def resolve_received(received: Iterable[Endpoint], machine: AddressFacts) -> Judged:
    """Look up every name that an envelope gives, and judge what it stands for.

    Raises:
        OSError: the system does not tell its addresses now.
    """
    return _judge(await _look_up_all(limit_received(received)), machine)


async def _look_up_all(contacts: Iterable[Endpoint]) -> dict[Endpoint, list[Endpoint]]:
    addresses, names = split_contacts(contacts)
    found = await asyncio.gather(*(_look_up(name) for name in names))
    return {**{address: [address] for address in addresses}, **dict(zip(names, found, strict=True))}


def _judge(found: dict[Endpoint, list[Endpoint]], machine: AddressFacts) -> Judged:
    good: dict[Endpoint, None] = {}
    faults: dict[Endpoint, AddressFault] = {}
    for contact, endpoints in found.items():
        for endpoint in endpoints[:MOST_CONTACTS]:
            address = read_address(endpoint.host)
            fault = judge(address, endpoint.port, machine) if address else AddressFault("is no address")
            if fault is None:
                good[endpoint] = None
            else:
                faults[contact] = fault
    return Judged(tuple(good)[:MOST_CONTACTS], tuple(faults.items()))


async def _look_up(name: Endpoint) -> list[Endpoint]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await loop.getaddrinfo(name.host, name.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [Endpoint(str(address[0]), name.port) for *_, address in found]
