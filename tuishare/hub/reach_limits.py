"""How much a hub forwards: for each member, from each address, and in all.

Owns the counts of connections and bytes, in bounded memory. Pure but for a clock. Must not know sockets.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tuishare.config.units import parse_size
from tuishare.hub.settings import HubSettings
from tuishare.net.addresses import Address
from tuishare.net.connection_slots import AddressBlock, ConnectionSlots, SlotLimits, blocks_of
from tuishare.net.rate_limit import RateLimit

WAIT_SECONDS: Final = 5.0
"""For which a caller waits for the member, and a member's connection may be silent before it says whom it fetches."""
_DAY: Final = 86_400
_ADDRESSES: Final = 4_096
"""Addresses that are remembered, the latest."""
_BURST: Final = 256
_RATE: Final = 4.0
"""Connections of one address: at once, and in a second after that; a peer makes one for each of its torrents."""
_WAITING: Final = 256
_WAITING_PER_MEMBER: Final = 64
_SERVED_BYTES: Final = 64 * 1024
"""More than a member's agent ever answers a stranger with; callers from where so much went come before strangers."""


@dataclass(slots=True)
class ReachUsage:
    """What is forwarded for one member.

    Attributes:
        callers: connections now.
        waiting: callers who are not fetched yet.
        forwarded: bytes of the day, both directions together.
        since: when the day began, by the clock.
    """

    callers: int = 0
    waiting: int = 0
    forwarded: int = 0
    since: float = 0.0


class ReachLimits:
    """The counts of one hub.

    Attributes:
        waiting: callers that no member has fetched yet.
        fetching: connections of members that have not said whom they fetch.
        refused: connections that were refused since the start.
        forwarded: bytes since the start.
    """

    def __init__(self, settings: HubSettings, clock: Callable[[], float]) -> None:
        """Begin with nothing counted; `clock` is in seconds and never jumps."""
        self._reach = settings.reach
        self._most = settings.total.callers
        self._day = parse_size(settings.reach.day)
        self._clock = clock
        self._usage: dict[bytes, ReachUsage] = {}
        self._blocks: Counter[AddressBlock] = Counter()
        self._served: OrderedDict[AddressBlock, None] = OrderedDict()
        self._rates = RateLimit[AddressBlock](_BURST, _RATE, _ADDRESSES, clock)
        self._fetch_rates = RateLimit[AddressBlock](_BURST, 4 * _RATE, _ADDRESSES, clock)
        self.waiting = ConnectionSlots(self._slots(lambda host: self._admits(host, self._rates)))
        self.fetching = ConnectionSlots(self._slots(lambda host: self._admits(host, self._fetch_rates)))
        self.refused = 0
        self.forwarded = 0

    @property
    def callers(self) -> int:
        """Connections that are forwarded now."""
        return sum(usage.callers for usage in self._usage.values())

    def of(self, mailbox: bytes) -> ReachUsage:
        """Return what is forwarded for a member."""
        usage = self._usage.get(mailbox) or ReachUsage(since=self._clock())
        if self._clock() - usage.since >= _DAY:
            usage.since, usage.forwarded = self._clock(), 0
        return self._usage.setdefault(mailbox, usage)

    def forget(self, mailbox: bytes) -> None:
        """Count nothing any longer for a member who was removed."""
        self._usage.pop(mailbox, None)

    def seconds_to_wait(self, mailbox: bytes) -> int:
        """Return after how many seconds a member may be reached again; 0: now."""
        usage = self.of(mailbox)
        return max(1, int(usage.since + _DAY - self._clock()) + 1) if self._is_over(usage) else 0

    def has_room(self, mailbox: bytes, host: Address) -> bool:
        """Return whether one more caller of a member may wait."""
        usage = self.of(mailbox)
        return (
            (usage.waiting < _WAITING_PER_MEMBER or self._prefers(host))
            and usage.callers < self._reach.callers
            and self._blocks[blocks_of(host)[0]] < self._reach.per_address
            and self.callers < self._most
            and not self._is_over(usage)
        )

    def begin(self, mailbox: bytes, host: Address) -> None:
        """Count a caller who is forwarded now."""
        self.of(mailbox).callers += 1
        self._blocks[blocks_of(host)[0]] += 1

    def end(self, mailbox: bytes, host: Address) -> None:
        """Count them no longer."""
        if usage := self._usage.get(mailbox):
            usage.callers -= 1
        block = blocks_of(host)[0]
        self._blocks[block] -= 1
        if not self._blocks[block]:
            del self._blocks[block]

    def count(self, mailbox: bytes, size: int) -> bool:
        """Count bytes; return False where the member has no more of the day left."""
        self.forwarded += size
        usage = self.of(mailbox)
        usage.forwarded += size
        return not self._is_over(usage)

    def note_served(self, host: Address, size: int) -> None:
        """Note how many bytes went to a caller: after many, callers from there come before strangers."""
        if size >= _SERVED_BYTES:
            block = blocks_of(host)[0]
            self._served.pop(block, None)
            self._served[block] = None
            if len(self._served) > _ADDRESSES:
                self._served.popitem(last=False)

    def _is_over(self, usage: ReachUsage) -> bool:
        return bool(self._day) and usage.forwarded >= self._day

    def _slots(self, admits: Callable[[Address], bool]) -> SlotLimits:
        return SlotLimits(
            connections=_WAITING,
            per_address=_WAITING // 4,
            per_site=_WAITING // 2,
            per_provider=_WAITING * 3 // 4,
            reserved=_WAITING // 4,
            lifetime=WAIT_SECONDS,
            admits=admits,
            prefers=self._prefers,
        )

    def _admits(self, host: Address, rates: RateLimit[AddressBlock]) -> bool:
        return self._prefers(host) or rates.take(blocks_of(host)[0])

    def _prefers(self, host: Address) -> bool:
        return blocks_of(host)[0] in self._served
