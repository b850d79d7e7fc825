"""Loopback addresses that stand for callers whose connections a hub forwards to this machine.

Without them every caller would come from 127.0.0.1, and bans, limits and lists could not tell one from another. An
origin gets the same addresses again, so that reconnecting ends no ban.

Owns which address stands for which origin. Pure. Must not know connections.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Final, TypeAlias

from tuishare.net.addresses import Address

_FIRST: Final = IPv4Address("127.77.0.1")
MOST_CALLERS: Final = 4_096
"""Addresses that are remembered; so many connections there may be at a time."""


class CallerAddresses:
    """The addresses of one agent."""

    def __init__(self) -> None:
        self._origins: OrderedDict[IPv4Address, Address] = OrderedDict()
        """By address; the one that was given back last is last."""
        self._live: set[IPv4Address] = set()

    def __len__(self) -> int:
        """How many connections there are now."""
        return len(self._live)

    def take(self, origin: Address) -> IPv4Address | None:
        """Return an address for one more connection from an origin; None: there are too many."""
        if len(self._live) >= MOST_CALLERS:
            return None
        address = (
            next(
                (known for known, of in self._origins.items() if of == origin and known not in self._live),
                None,
            )
            or self._find_free()
        )
        self._origins[address] = origin
        self._live.add(address)
        return address

    def give_back(self, address: IPv4Address) -> None:
        """Note that the connection has ended; the address stays that of its origin, as long as there are others."""
        self._live.discard(address)
        self._origins.move_to_end(address)

    def origin_of(self, address: Address) -> Address:
        """Return for whom an address stands or stood last; any other address stands for itself."""
        return self._origins.get(address, address) if isinstance(address, IPv4Address) else address

    def is_by_hub(self, address: Address) -> bool:
        """Return whether an address stands for a caller."""
        return address in self._origins

    def _find_free(self) -> IPv4Address:
        if len(self._origins) < MOST_CALLERS:
            return _FIRST + len(self._origins)
        address = next(known for known in self._origins if known not in self._live)
        del self._origins[address]
        return address


OriginOf: TypeAlias = Callable[[Address], Address]
"""Tells who is behind an address of `CallerAddresses`; any other address stands for itself."""


def itself(address: Address) -> Address:
    """Return the address: there is no one behind it."""
    return address
