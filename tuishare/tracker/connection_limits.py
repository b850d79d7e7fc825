"""Limits of connections and refused requests per address.

Owns these limits (threat T11). A passkey has 256 bits and cannot be guessed; the limits protect CPU and memory. So a
member who shares an address with an attacker is not limited once they have announced. Must not know passkeys.
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
ClientBlock: TypeAlias = tuple[int, int]
"""What one customer usually has: family 4 and an IPv4 address, or family 6 and a /64."""

_MEMBER_SECONDS: Final = 3_600.0
"""Seconds for which an address counts as a member's after the last announce."""


class ConnectionLimits:
    """Counts connections and refused requests per address."""

    def __init__(
        self, limits: TrackerLimits, trusted: Collection[Network], clock: Callable[[], float]
    ) -> None:
        """Create the limits, with no known members.

        Args:
            limits: the numbers.
            trusted: our own proxies, whose ``X-Forwarded-For`` is trusted and who serve many clients.
            clock: monotonic, seconds.
        """
        self._limits = limits
        self._trusted = tuple(trusted)
        self._clock = clock
        self._members: OrderedDict[ClientBlock, float] = OrderedDict()
        rates = (
            (limits.connection_burst, limits.connection_rate),
            (limits.stranger_burst, limits.stranger_rate),
        )
        self._connections, self._refusals = (
            RateLimit[ClientBlock](burst, rate, limits.addresses, clock) for burst, rate in rates
        )

    def admits(self, host: Address) -> bool:
        """Return whether to accept a new connection."""
        return self.prefers(host) or self._connections.take(address_block(host))

    def prefers(self, host: Address) -> bool:
        """Return whether a member announced from the address recently, or it is one of our proxies."""
        return self._trusts(host) or self._members.get(address_block(host), 0.0) > self._clock()

    def note_member(self, host: Address) -> None:
        """Record that a member announced from the address."""
        self._members.pop(address_block(host), None)
        self._members[address_block(host)] = self._clock() + _MEMBER_SECONDS
        if len(self._members) > self._limits.addresses:
            self._members.popitem(last=False)

    def is_stranger_allowed(self, host: Address) -> bool:
        """Count a refused request; return False if there were too many to answer."""
        return self._refusals.take(address_block(host))

    def sender(self, host: Address, forwarded: str) -> Address:
        """Return the address of a request's sender.

        Args:
            host: the remote end of the connection.
            forwarded: ``X-Forwarded-For``; used from trusted proxies only. The last address that is not a trusted
                proxy's counts: the client may have written those before it.
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


def address_block(host: Address) -> ClientBlock:
    """Return the block that an address is counted in."""
    return (4, int(host)) if isinstance(host, IPv4Address) else (6, int(host) >> 64)
