"""How much a hub takes: in each mailbox, from each address, and in all.

Owns the counts, reserved before a byte is taken. Pure but for a clock. Must not know files or connections.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tuishare.config.units import parse_size
from tuishare.hub.settings import HubSettings
from tuishare.net.addresses import Address
from tuishare.net.connection_slots import AddressBlock, blocks_of

_DAY: Final = 86_400
_HOUR: Final = 3_600
_ADDRESSES: Final = 4_096
"""Senders' addresses that are remembered, the latest."""


@dataclass(slots=True)
class MailboxUsage:
    """Parcels, and bytes in them."""

    parcels: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        """Count one parcel more."""
        self.parcels += 1
        self.size += size

    def remove(self, size: int) -> None:
        """Count one parcel less."""
        self.parcels -= 1
        self.size -= size


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a parcel is not taken now.

    Attributes:
        seconds: after which a further try makes sense.
        reason: a clause.
    """

    seconds: int
    reason: str


@dataclass(slots=True)
class _Sent:
    """What one address has sent since a time of the clock."""

    since: float
    usage: MailboxUsage


class Quotas:
    """The counts of one hub.

    Attributes:
        total: of all mailboxes.
    """

    def __init__(self, settings: HubSettings, clock: Callable[[], float]) -> None:
        """Begin with nothing counted; `clock` is in seconds and never jumps."""
        self._mailbox = MailboxUsage(settings.mailbox.parcels, parse_size(settings.mailbox.size))
        self._sender = MailboxUsage(settings.sender.parcels, parse_size(settings.sender.size))
        self._total = parse_size(settings.total.size)
        self._clock = clock
        self._mailboxes: defaultdict[bytes, MailboxUsage] = defaultdict(MailboxUsage)
        self._senders: OrderedDict[AddressBlock, _Sent] = OrderedDict()
        self.total = MailboxUsage()

    def of(self, mailbox: bytes) -> MailboxUsage:
        """Return what is in a mailbox, reservations included."""
        return self._mailboxes.get(mailbox, MailboxUsage())

    def reserve(self, mailbox: bytes, host: Address, size: int) -> Refusal | None:
        """Count a parcel that is about to come; None where there is room for it.

        Args:
            mailbox: id.
            host: the sender's address.
            size: bytes.
        """
        here, sent = self.of(mailbox), self._sent_from(host)
        if size > self._mailbox.size:
            return Refusal(7 * _DAY, "the parcel is larger than a mailbox of this hub")
        if here.parcels >= self._mailbox.parcels or here.size + size > self._mailbox.size:
            return Refusal(_HOUR, "the mailbox is full")
        if sent.usage.parcels >= self._sender.parcels or sent.usage.size + size > self._sender.size:
            left = int(sent.since + _DAY - self._clock()) + 1
            return Refusal(max(1, left), "too much has come from this address in a day")
        if self.total.size + size > self._total:
            return Refusal(_HOUR, "the hub is full")
        self.count(mailbox, size)
        sent.usage.add(size)
        return None

    def count(self, mailbox: bytes, size: int) -> None:
        """Count a parcel that is there."""
        self._mailboxes[mailbox].add(size)
        self.total.add(size)

    def release(self, mailbox: bytes, sizes: Iterable[int]) -> None:
        """Count parcels no longer: taken away, or not come after all."""
        usage = self._mailboxes[mailbox]
        for size in sizes:
            usage.remove(size)
            self.total.remove(size)
        if not usage.parcels:
            del self._mailboxes[mailbox]

    def _sent_from(self, host: Address) -> _Sent:
        block, now = blocks_of(host)[0], self._clock()
        sent = self._senders.pop(block, None)
        if sent is None or now - sent.since >= _DAY:
            sent = _Sent(now, MailboxUsage())
        self._senders[block] = sent
        if len(self._senders) > _ADDRESSES:
            self._senders.popitem(last=False)
        return sent
