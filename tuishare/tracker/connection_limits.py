"""Who may come in, and who gets an answer when he asks for what is not his.

Owns the limits per address (threat T11). A passkey has 256 bits and cannot be guessed; what is protected is this
machine's processor and memory. So whoever shares an address with an abuser is not shut out with him once he has proved
to be a member. Must not know passkeys.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final, TypeAlias

from tuishare.net.addresses import Address, unmapped
from tuishare.net.rate_limit import RateLimit
from tuishare.tracker.limits import TrackerLimits

Network: TypeAlias = IPv4Network | IPv6Network
AddressBlock: TypeAlias = tuple[int, int]
"""What one customer usually has: an IPv4 address, or a /64 of IPv6 addresses."""

_REMEMBERED: Final = 3_600.0
"""Seconds for which an address is a member's after his last announce."""


class ConnectionLimits:
    """Counts connections and refused requests of each address."""

    def __init__(
        self, limits: TrackerLimits, trusted: Collection[Network], clock: Callable[[], float]
    ) -> None:
        """Begin with nobody known.

        Args:
            limits: the bounds.
            trusted: proxies of our own, whose ``X-Forwarded-For`` counts and who speak for many.
            clock: seconds, never jumping.
        """
        self._limits = limits
        self._trusted = tuple(trusted)
        self._clock = clock
        self._members: OrderedDict[AddressBlock, float] = OrderedDict()
        rates = (
            (limits.connection_burst, limits.connection_rate),
            (limits.stranger_burst, limits.stranger_rate),
        )
        self._connections, self._refusals = (
            RateLimit[AddressBlock](burst, rate, limits.addresses, clock) for burst, rate in rates
        )

    def admits(self, host: Address) -> bool:
        """Whether a new connection is taken."""
        return self.prefers(host) or self._connections.take(address_block(host))

    def prefers(self, host: Address) -> bool:
        """Whether a member announced from there lately, or a proxy of our own speaks for members."""
        return self._trusts(host) or self._members.get(address_block(host), 0.0) > self._clock()

    def welcome(self, host: Address) -> None:
        """Note that a member announced from there."""
        self._members.pop(address_block(host), None)
        self._members[address_block(host)] = self._clock() + _REMEMBERED
        if len(self._members) > self._limits.addresses:
            self._members.popitem(last=False)

    def is_stranger_allowed(self, host: Address) -> bool:
        """Note that something was refused; False when there were so many that no answer is given any more."""
        return self._refusals.take(address_block(host))

    def sender(self, host: Address, forwarded: str) -> Address:
        """Tell where a request comes from.

        Args:
            host: the other end of the connection.
            forwarded: all of ``X-Forwarded-For``; counts from trusted proxies only, and of it the last address that is
                no trusted proxy's itself: what stands before was written by whoever asks.
        """
        for text in reversed(forwarded.split(",")):
            if not self._trusts(host):
                break
            try:
                host = unmapped(ip_address(text.strip()))
            except ValueError:
                break
        return host

    def _trusts(self, host: Address) -> bool:
        return any(host in network for network in self._trusted)


def address_block(host: Address) -> AddressBlock:
    """Give what the limits count by."""
    return (4, int(host)) if isinstance(host, IPv4Address) else (6, int(host) >> 64)
