"""Connection limits per address, per prefix and in total, and the choice of the connection to evict.

Owns the counting and the order of eviction: strangers before members, large prefixes before small ones. Pure: no
sockets, no clock. Must not know passkeys or requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from tuishare.net.addresses import Address

AddressBlock: TypeAlias = tuple[int, int, int]
"""Address family (4 or 6), prefix length in bits, and the prefix as a number."""

_WIDTHS: Final = {4: (32, 24, 16), 6: (64, 48, 32)}
"""Lengths of the counted prefixes in bits: usually those of a customer, a site and a provider."""


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many connections may be open at a time, and for how long.

    Attributes:
        connections: in total.
        per_address: from one IPv4 address, or one /64 of IPv6.
        per_site: from one /24, or one /48 of IPv6.
        per_provider: from one /16, or one /32 of IPv6.
        reserved: how many of the total are reserved for preferred addresses.
        lifetime: of a connection, seconds.
        admits: whether to accept a connection from an address at all.
        prefers: whether a member announced from an address recently.
    """

    connections: int
    per_address: int
    per_site: int
    per_provider: int
    lifetime: float
    reserved: int = 0
    admits: Callable[[Address], bool] = lambda _: True
    prefers: Callable[[Address], bool] = lambda _: False


@dataclass(slots=True, eq=False)
class ConnectionSlot:
    """The slot of one connection.

    Attributes:
        blocks: the prefixes it counts towards, longest first.
        preferred: whether a member announced from its address recently.
        close: closes the connection.
        has_spoken: whether anything was received.
        is_busy: whether one of its requests is being answered.
    """

    blocks: tuple[AddressBlock, ...]
    preferred: bool
    close: Callable[[], object] = lambda: None
    has_spoken: bool = False
    is_busy: bool = False


class ConnectionSlots:
    """The connections of one or more listeners, oldest first."""

    def __init__(self, bounds: SlotLimits) -> None:
        self.bounds = bounds
        self.counts: Counter[AddressBlock] = Counter()
        self._taken: dict[ConnectionSlot, None] = {}
        self._strangers = 0

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._taken)

    def take(self, host: Address) -> ConnectionSlot | None:
        """Allocate a slot to a connection from an address, and evict an idle connection if necessary.

        Returns:
            None if the connection has to be refused.
        """
        bounds = self.bounds
        slot = ConnectionSlot(blocks_of(host), bounds.prefers(host))
        for block, most in zip(
            slot.blocks, (bounds.per_address, bounds.per_site, bounds.per_provider), strict=True
        ):
            if self.counts[block] >= most and not self._evict(slot.preferred, block):
                return None
        strangers_full = self._strangers >= bounds.connections - bounds.reserved
        full = len(self._taken) >= bounds.connections or (strangers_full and not slot.preferred)
        if full and not self._evict(slot.preferred):
            return None
        self._taken[slot] = None
        self.counts.update(slot.blocks)
        self._strangers += not slot.preferred
        return slot

    def prefer(self, slot: ConnectionSlot) -> None:
        """Count a connection as a member's from now on."""
        if not slot.preferred and slot in self._taken:
            self._strangers -= 1
        slot.preferred = True

    def give_back(self, slot: ConnectionSlot) -> None:
        """Free the slot of a closed connection; no-op if it is free already."""
        if slot not in self._taken:
            return
        del self._taken[slot]
        self._strangers -= not slot.preferred
        for block in slot.blocks:
            self.counts[block] -= 1
            if not self.counts[block]:
                del self.counts[block]

    def make_room(self) -> bool:
        """Evict an idle connection of a stranger; return whether there was one."""
        return self._evict(preferred=False)

    def _evict(self, preferred: bool, block: AddressBlock | None = None) -> bool:
        """Evict the most dispensable idle connection, of a block if given; never a member's for a stranger."""
        idle = [slot for slot in self._idle(block) if preferred or not slot.preferred]
        if not idle:
            return False
        # `max` returns the first of several: the oldest.
        chosen = max(idle, key=self._dispensability)
        self.give_back(chosen)
        chosen.close()
        return True

    def _idle(self, block: AddressBlock | None) -> Iterator[ConnectionSlot]:
        return (slot for slot in self._taken if not slot.is_busy and (block is None or block in slot.blocks))

    def _dispensability(self, slot: ConnectionSlot) -> tuple[bool, list[int], bool]:
        """Sort key: strangers first, then those from crowded prefixes, so that a single client survives a flood."""
        crowding = [self.counts[block] for block in reversed(slot.blocks)]
        return not slot.preferred, crowding, not slot.has_spoken


def blocks_of(host: Address) -> tuple[AddressBlock, ...]:
    """Return the prefixes that an address counts towards, longest first."""
    number, length = int(host), host.max_prefixlen
    return tuple((host.version, width, number >> (length - width)) for width in _WIDTHS[host.version])
