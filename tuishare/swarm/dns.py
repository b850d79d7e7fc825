"""Resolution of contacts into addresses that may be connected to.

Owns resolving names, and the check of contacts from envelopes. A name is resolved once, and the addresses that were
checked are the ones connected to. libtorrent takes addresses only. A name that does not resolve is retried with the
next round, so it is not an error.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from tuishare.net.addresses import MOST_CONTACTS, AddressFacts, AddressFault, judge, read_address
from tuishare.net.endpoints import Endpoint

MAX_CONTACTS = 64
"""Maximum number of contacts to connect to, from any source."""

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Received contacts, resolved and checked.

    Attributes:
        good: addresses that may be connected to.
        faults: contacts with an address that may not, and why.
    """

    good: tuple[Endpoint, ...]
    faults: tuple[tuple[Endpoint, AddressFault], ...]


def split_contacts(contacts: Iterable[Endpoint]) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
    """Separate addresses from names, which must be resolved; at most `MAX_CONTACTS` in total."""
    unique = tuple(dict.fromkeys(contacts))[:MAX_CONTACTS]
    addresses = tuple(contact for contact in unique if read_address(contact.host))
    return addresses, tuple(contact for contact in unique if contact not in addresses)


def limit_received(received: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the first `MOST_CONTACTS` different contacts of an envelope."""
    return tuple(dict.fromkeys(received))[:MOST_CONTACTS]


def judge_addresses(received: Iterable[Endpoint], machine: AddressFacts) -> Judged:
    """Check the received contacts that are addresses, and skip names.

    Raises:
        OSError: the system cannot list its addresses now.
    """
    addresses, _ = split_contacts(limit_received(received))
    return _judge({contact: [contact] for contact in addresses}, machine)


async def resolve(contacts: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Resolve every name; takes at most 5 seconds.

    Returns:
        The addresses, without those of unknown names.
    """
    found = await _look_up_all(contacts)
    return tuple(dict.fromkeys(address for group in found.values() for address in group))


async def resolve_received(received: Iterable[Endpoint], machine: AddressFacts) -> Judged:
    """Resolve the contacts of an envelope, and check their addresses.

    Raises:
        OSError: the system cannot list its addresses now.
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
            fault = judge(address, endpoint.port, machine) if address else AddressFault("is not an address")
            if fault is None:
                good[endpoint] = None
            else:
                faults[contact] = fault
    return Judged(tuple(good)[:MOST_CONTACTS], tuple(faults.items()))


async def _look_up(name: Endpoint) -> list[Endpoint]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            found = await loop.getaddrinfo(name.host, name.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [Endpoint(str(address[0]), name.port) for *_, address in found]
