"""Contacts: the users whom links lead to, and their newest address records.

Owns which user a signer belongs to. A contact is a user with a card who is verified, or who was
introduced and accepted; records of other users are kept for the time when they are verified. Must not call anyone.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from tuishare.agent.events import AddressRecordKept, ChangeSignal, EventBus
from tuishare.agent.live import Live
from tuishare.agent.state.store import Store
from tuishare.core.records import KnownAddressRecord
from tuishare.errors import VerificationFailed
from tuishare.link.address_record import AddressRecord, read_record
from tuishare.net.endpoints import parse_endpoint
from tuishare.net.rate_limit import RateLimit
from tuishare.people import Identity, User, UserBook

_BURST: Final = 16
_RATE: Final = 0.2
"""Records of one contact at once, and a second after that: an agent looks at its addresses every 5 s."""
_MOST_CONTACTS: Final = 4096
_log = logging.getLogger(__name__)


class Contacts:
    """The contacts of one agent.

    Attributes:
        are_known: whether a user book was read; one with a mistake in it does not mean that there are no contacts.
    """

    def __init__(
        self,
        store: Store,
        *,
        identity: Live[Identity],
        events: EventBus,
        changed: ChangeSignal,
        hub_hosts: Live[frozenset[str]],
    ) -> None:
        """`hub_hosts` is told where the hubs of users are."""
        self._store = store
        self._identity = identity
        self._events = events
        self._changed = changed
        self._hub_hosts = hub_hosts
        self._users: dict[bytes, User] = {}
        self.are_known = False
        self._records: dict[bytes, AddressRecord] = {}
        self._rates = RateLimit[bytes](_BURST, _RATE, _MOST_CONTACTS, time.monotonic)
        self._signed: dict[bytes, bytes] = {}
        self._introducible: dict[bytes, bytes] = {}

    async def load(self) -> None:
        """Read the address records of the last run."""
        for stored in await self._store.run(lambda database: database.address_records()):
            try:
                record = read_record(stored.signed)
            except VerificationFailed:
                _log.warning("A stored address record is not valid; the next one of its signer replaces it")
                continue
            if record.signer == stored.signer:
                self._records[record.signer], self._signed[record.signer] = record, stored.signed
                if stored.introducible:
                    self._introducible[record.signer] = stored.introducible
        self._find_hubs()

    def take_book(self, book: UserBook) -> None:
        """Know these users from now on."""
        own = self._identity.current.signers
        self.are_known = True
        self._users = {
            user.card.signer: user for user in book if user.card is not None and user.card.signer not in own
        }

    def all(self) -> dict[bytes, User]:
        """Return the contacts by the signers of their cards."""
        return {signer: user for signer, user in self._users.items() if user.is_contact}

    def get(self, signer: bytes) -> User | None:
        """Return the contact with this signer, or None."""
        user = self._users.get(signer)
        return user if user is not None and user.is_contact else None

    def is_own(self, signer: bytes) -> bool:
        """Return whether a signer is this agent's own, former ones included."""
        return signer in self._identity.current.signers

    def record_of(self, signer: bytes) -> AddressRecord | None:
        """Return the newest address record of a contact, or None."""
        return self._records.get(signer)

    def signed_record_of(self, signer: bytes) -> bytes:
        """Return the newest address record of a contact as they signed it; empty if none is known."""
        return self._signed.get(signer, b"")

    def introducible_record_of(self, signer: bytes) -> bytes:
        """Return that record for others than contacts: without a mailbox, whose write key is for contacts alone.

        Empty if the contact has a mailbox, and has given no such record with their present link key.
        """
        record = self._records.get(signer)
        if record is None or record.hub is None:
            return self.signed_record_of(signer)
        introducible = self._read_introducible(signer)
        if introducible is None or introducible.link_key != record.link_key:
            return b""
        return self._introducible[signer]

    async def keep_introducible(self, record: AddressRecord, signed: bytes) -> None:
        """Keep a record that a contact lets us pass on, unless it names a mailbox, or a newer one is known."""
        full = self._records.get(record.signer)
        if record.hub is not None or full is None or record.sequence >= full.sequence:
            return
        if not record.supersedes(self._read_introducible(record.signer)):
            return
        if not self._rates.take(record.signer):
            return
        await self._store.run(lambda database: database.save_introducible_record(record.signer, signed))
        self._introducible[record.signer] = signed

    def _read_introducible(self, signer: bytes) -> AddressRecord | None:
        try:
            return read_record(self._introducible[signer])
        except (KeyError, VerificationFailed):
            return None

    async def keep(self, record: AddressRecord, signed: bytes, *, is_joining: bool = False) -> bool:
        """Keep the record of a user, unless one that is not older is known, or too many came in a short time.

        Args:
            record: what it states.
            signed: the record itself.
            is_joining: the signer is about to become a user. Kept in this order, because after a crash a user without
                a record might be out of reach for good.

        Returns:
            Whether it was kept.
        """
        is_known = is_joining or record.signer in self._users
        if not is_known or not record.supersedes(self._records.get(record.signer)):
            return False
        if not self._rates.take(record.signer):
            _log.info("A contact sends address records too often; the next link brings the newest")
            return False
        stored = KnownAddressRecord(record.signer, record.sequence, signed)
        if not await self._store.run(lambda database: database.save_address_record(stored)):
            return False
        if record.supersedes(self._records.get(record.signer)):
            self._records[record.signer], self._signed[record.signer] = record, signed
            self._find_hubs()
        self._events.publish(AddressRecordKept(record.signer))
        self._changed.notify()
        return True

    def _find_hubs(self) -> None:
        hubs = (record.hub for record in self._records.values())
        self._hub_hosts.current = frozenset(
            parse_endpoint(hub.address).host for hub in hubs if hub is not None
        )
