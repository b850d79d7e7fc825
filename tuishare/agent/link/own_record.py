"""The address record of this agent: where its contacts reach it.

Owns the record in force and its sequence. Every record is on disk before it is given to anyone. Must not decide who
gets it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.live import Live
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.records import KnownAddressRecord
from tuishare.errors import TuishareError, VerificationFailed
from tuishare.link.address_record import MOST_ADDRESSES, AddressRecord, read_record, sign_record
from tuishare.link.invitation import Party
from tuishare.link.link_key import LinkKey
from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.people import Identity
from tuishare.people.cards import encode_card

_LEAST_SEQUENCE: Final = 2
_log = logging.getLogger(__name__)


class OwnRecord:
    """The address record of one agent.

    Attributes:
        signed: the record in force; empty before the first `refresh`.
        introducible: the same without the mailbox, for those to whom contacts introduce us; empty without a mailbox,
            since then `signed` serves.
    """

    def __init__(
        self,
        key: LinkKey,
        store: Store,
        find_contacts: Callable[[int], tuple[str, ...]],
        *,
        settings: Live[Config],
        identity: Live[Identity],
        clock: Clock,
        address_record: Live[bytes],
        membership: HubMembership,
    ) -> None:
        """`find_contacts` returns where others reach a port of ours: at most `MOST_ADDRESSES`, best first."""
        self._key = key
        self._store = store
        self._find_contacts = find_contacts
        self._settings = settings
        self._identity = identity
        self._clock = clock
        self._address_record = address_record
        self._membership = membership
        self._record: AddressRecord | None = None
        self._former = b""
        self._unaware: set[bytes] = set()
        self.signed = b""
        self.introducible = b""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the record in force, ``host:port``, best first."""
        return self._record.addresses if self._record is not None else ()

    def party(self) -> Party:
        """Return what we show of ourselves when an invitation is used."""
        card = self._identity.current.card(self._settings.current.name)
        return Party(encode_card(card), self.signed)

    def signed_for(self, contact: bytes) -> bytes:
        """Return the record to give to a contact.

        After a rotation of our identity, a contact who has not received an envelope with the new card takes the last
        record of the former identity only.
        """
        return self._former if self._former and contact in self._unaware else self.signed

    def introducible_for(self, contact: bytes) -> bytes:
        """Return what a contact who introduces us may pass on beside our card; empty: the record itself, or nothing."""
        return self.introducible if self.signed_for(contact) is self.signed else b""

    def note_refusal(self, contact: bytes) -> None:
        """Note that a contact has refused our record: the next call gives the other one."""
        self._unaware ^= {contact}

    async def refresh(self, port: int | None) -> bool:
        """Make a newer record if identity, link key, addresses or hub have changed.

        Args:
            port: where we listen for links; None: nowhere.

        Returns:
            Whether there is a newer one.

        Raises:
            SystemFailed: it cannot be recorded; the former one stays in force.
        """
        try:
            addresses = self._find_addresses(port)
        except (TuishareError, OSError) as error:
            _log.warning("Cannot read the addresses of this machine: %s", error)
            return False
        signer = self._identity.current.signer
        if self._record is None:
            await self._load_former()
        elif self._record.signer != signer:
            self._former = self.signed
        known = self._record or await self._load(signer)
        if known is not None and self._is_current(known, signer, addresses):
            changed, self._record = self._record is None, known
            self.introducible = self._sign_introducible(known)
            self._address_record.current = self.signed
            return changed
        last = known.sequence if known is not None and known.signer == signer else 0
        # Greater than the last one even where the database was lost, unless the clock went back since. The number
        # between is that of the introducible record, so that the record itself replaces it wherever both are known.
        await self._put_in_force(max(last + 2, self._clock.now()), addresses)
        return True

    def _find_addresses(self, port: int | None) -> tuple[Endpoint, ...]:
        if port is None:
            return ()
        return tuple(map(parse_endpoint, dict.fromkeys(self._find_contacts(port)[:MOST_ADDRESSES])))

    async def _load_former(self) -> None:
        stored = await self._store.run(lambda database: database.address_records())
        by_signer = {record.signer: record.signed for record in stored}
        former = (by_signer.get(signer, b"") for signer in self._identity.current.signers[1:])
        self._former = next(filter(None, former), b"")

    async def _load(self, signer: bytes) -> AddressRecord | None:
        for stored in await self._store.run(lambda database: database.address_records()):
            if stored.signer == signer:
                try:
                    record = read_record(stored.signed)
                except VerificationFailed:
                    return None
                self.signed = stored.signed
                return record
        return None

    def _is_current(self, known: AddressRecord, signer: bytes, addresses: tuple[Endpoint, ...]) -> bool:
        expected = (signer, self._key.public_key, tuple(map(str, addresses))[: len(known.addresses)])
        complete = bool(known.addresses) == bool(addresses)
        is_same = (known.signer, known.link_key, known.addresses) == expected
        return complete and is_same and known.hub == self._membership.hub_address

    async def _put_in_force(self, sequence: int, addresses: tuple[Endpoint, ...]) -> None:
        identity = self._identity.current
        signed = sign_record(
            identity.signing_key,
            link_key=self._key.public_key,
            sequence=sequence,
            issued=self._clock.now(),
            addresses=addresses,
            hub=self._membership.hub_address,
        )
        stored = KnownAddressRecord(identity.signer, sequence, signed)
        await self._store.run(lambda database: database.save_address_record(stored))
        self._record, self.signed = read_record(signed), signed
        self.introducible = self._sign_introducible(self._record)
        self._address_record.current = signed

    def _sign_introducible(self, record: AddressRecord) -> bytes:
        """Sign a record once more without its hub; each time the same, so that it need not be stored."""
        if record.hub is None or record.sequence < _LEAST_SEQUENCE:
            return b""
        return sign_record(
            self._identity.current.signing_key,
            link_key=record.link_key,
            sequence=record.sequence - 1,
            issued=record.issued,
            addresses=record.endpoints,
        )
