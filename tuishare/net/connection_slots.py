"""Which connections stay when there is no room for all: members before strangers, the few before the many.

Owns how many connections each address, each wider prefix and everybody together may have, and which one makes room
for the next. Pure: no sockets, no clock. Must not know passkeys or requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from tuishare.net.addresses import Address

AddressBlock: TypeAlias = tuple[int, int, int]
"""An address family (4 or 6), the length of a prefix in bits, and that prefix as a number."""

_WIDTHS: Final = {4: (32, 24, 16), 6: (64, 48, 32)}
"""Bits of the prefixes that are counted: what a customer, a site and a provider usually have."""


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many connections are open at a time, and for how long.

    Attributes:
        connections: all together.
        each: of one address, or one /64 of IPv6.
        near: of one /24, or one /48 of IPv6.
        far: of one /16, or one /32 of IPv6.
        kept: how many of all only those who are preferred may have.
        patience: seconds from the beginning of a connection to its end.
        admits: whether a connection from an address is taken at all.
        prefers: whether an address is one that a member announced from lately.
    """

    connections: int
    each: int
    near: int
    far: int
    patience: float
    kept: int = 0
    admits: Callable[[Address], bool] = lambda _: True
    prefers: Callable[[Address], bool] = lambda _: False


@dataclass(slots=True, eq=False)
class ConnectionSlot:
    """The place of one connection.

    Attributes:
        blocks: the prefixes that it counts for, narrowest first.
        preferred: whether it comes from where a member announced lately.
        leave: ends the connection.
        has_spoken: whether anything was received.
        is_busy: whether a request of it is being answered.
    """

    blocks: tuple[AddressBlock, ...]
    preferred: bool
    leave: Callable[[], object] = lambda: None
    has_spoken: bool = False
    is_busy: bool = False


class ConnectionSlots:
    """The connections of one or more listeners, oldest first."""

    def __init__(self, bounds: SlotLimits) -> None:
        self.bounds = bounds
        self.crowd: Counter[AddressBlock] = Counter()
        self._taken: dict[ConnectionSlot, None] = {}
        self._strangers = 0

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._taken)

    def take(self, host: Address) -> ConnectionSlot | None:
        """Give a connection from an address its place; one that does nothing may have to leave for it.

        Returns:
            None where nothing may be ended for it: it is refused.
        """
        bounds = self.bounds
        slot = ConnectionSlot(blocks_of(host), bounds.prefers(host))
        for block, most in zip(slot.blocks, (bounds.each, bounds.near, bounds.far), strict=True):
            if self.crowd[block] >= most and not self._end_one(slot.preferred, block):
                return None
        strangers_full = self._strangers >= bounds.connections - bounds.kept
        full = len(self._taken) >= bounds.connections or (strangers_full and not slot.preferred)
        if full and not self._end_one(slot.preferred):
            return None
        self._taken[slot] = None
        self.crowd.update(slot.blocks)
        self._strangers += not slot.preferred
        return slot

    def prefer(self, slot: ConnectionSlot) -> None:
        """Count a connection as a member's from now on."""
        if not slot.preferred and slot in self._taken:
            self._strangers -= 1
        slot.preferred = True

    def give_back(self, slot: ConnectionSlot) -> None:
        """Take note that a connection has ended; harmless when it was noted before."""
        if slot not in self._taken:
            return
        del self._taken[slot]
        self._strangers -= not slot.preferred
        for block in slot.blocks:
            self.crowd[block] -= 1
            if not self.crowd[block]:
                del self.crowd[block]

    def make_room(self) -> bool:
        """End a stranger's connection that does nothing; returns whether there was one."""
        return self._end_one(preferred=False)

    def _end_one(self, preferred: bool, block: AddressBlock | None = None) -> bool:
        """End the one that is missed least, of a block if one is given; for a stranger, no member's."""
        idle = [slot for slot in self._idle(block) if preferred or not slot.preferred]
        if not idle:
            return False
        # `max` gives the first of several: the oldest.
        chosen = max(idle, key=self._dispensability)
        self.give_back(chosen)
        chosen.leave()
        return True

    def _idle(self, block: AddressBlock | None) -> Iterator[ConnectionSlot]:
        return (slot for slot in self._taken if not slot.is_busy and (block is None or block in slot.blocks))

    def _dispensability(self, slot: ConnectionSlot) -> tuple[bool, list[int], bool]:
        """Strangers go first; of them those with the most company, so that a lone newcomer outlives a flood."""
        company = [self.crowd[block] for block in reversed(slot.blocks)]
        return not slot.preferred, company, not slot.has_spoken


def blocks_of(host: Address) -> tuple[AddressBlock, ...]:
    """Give the prefixes that an address counts for, narrowest first."""
    number, length = int(host), host.max_prefixlen
    return tuple((host.version, width, number >> (length - width)) for width in _WIDTHS[host.version])
