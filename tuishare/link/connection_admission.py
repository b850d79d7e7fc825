"""Which connections to the link port are taken, and which stay when there is no room for all.

Owns the limits and what is remembered of addresses, in bounded memory. Pure but for a clock. Must not know link keys.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tuishare.net.addresses import Address
from tuishare.net.connection_slots import AddressBlock, ConnectionSlots, SlotLimits, blocks_of
from tuishare.net.rate_limit import RateLimit

_REMEMBERED: Final = 3_600.0
"""Seconds for which an address is a contact's after their last link."""
_REFUSAL_COST: Final = 4
"""A refused stranger counts as that many connections more."""


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """How much the link port takes.

    Attributes:
        connections: of callers who are not known yet, all together; one that is silent costs 15 KiB.
        per_address: of them, from one IPv4 address, or one /64 of IPv6.
        per_site: of them, from one /24, or one /48 of IPv6.
        per_provider: of them, from one /16, or one /32 of IPv6.
        reserved: how many of them are reserved for addresses from which a contact called recently.
        burst: connections at once from one address.
        rate: connections a second from one address after that.
        addresses: how many addresses are remembered.
        links: with contacts, all together.
        links_per_contact: with one contact; two, because both sides may call at once.
        stranger_seconds: from the beginning of a connection until its caller must be known.
        refusal_seconds: from a stranger's message to the end of the connection, whatever was wrong.
        turn_seconds: between the beginnings of two strangers' connections, so that their handshakes, 2 ms of the event
            loop each, take a part of it only.
    """

    connections: int = 128
    per_address: int = 16
    per_site: int = 32
    per_provider: int = 64
    reserved: int = 32
    burst: int = 60
    rate: float = 1.0
    addresses: int = 4096
    links: int = 1024
    links_per_contact: int = 2
    stranger_seconds: float = 20.0
    refusal_seconds: float = 1.0
    turn_seconds: float = 0.01


class Admission:
    """Counts connections and refusals of each address."""

    def __init__(self, limits: LinkLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing remembered.

        Args:
            limits: the bounds.
            clock: seconds, never jumping.
        """
        self._clock = clock
        self._limits = limits
        self._contacts: OrderedDict[AddressBlock, float] = OrderedDict()
        self._connections = RateLimit[AddressBlock](limits.burst, limits.rate, limits.addresses, clock)
        self.slots = ConnectionSlots(
            SlotLimits(
                connections=limits.connections,
                per_address=limits.per_address,
                per_site=limits.per_site,
                per_provider=limits.per_provider,
                lifetime=limits.stranger_seconds,
                reserved=limits.reserved,
                admits=self._admits,
                prefers=self._prefers,
            )
        )

    def note_contact(self, host: Address) -> None:
        """Note that a contact has called from there."""
        block = _block(host)
        self._contacts.pop(block, None)
        self._contacts[block] = self._clock() + _REMEMBERED
        if len(self._contacts) > self._limits.addresses:
            self._contacts.popitem(last=False)

    def note_refusal(self, host: Address) -> None:
        """Note that a stranger from there was refused."""
        for _ in range(_REFUSAL_COST):
            self._connections.take(_block(host))

    def _admits(self, host: Address) -> bool:
        return self._prefers(host) or self._connections.take(_block(host))

    def _prefers(self, host: Address) -> bool:
        return self._contacts.get(_block(host), 0.0) > self._clock()


def _block(host: Address) -> AddressBlock:
    return blocks_of(host)[0]
