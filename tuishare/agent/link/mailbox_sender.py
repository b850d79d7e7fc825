"""Mailboxes of contacts: what cannot be handed over by link within some seconds is put there.

Owns when that is, and the sealing of letters. A handover counts as done only by the recipient's receipt, whichever way
that comes. Must not take parcels.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.contact_peer import LinkParts
from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.link.open_links import OpenLinks
from tuishare.agent.live import Live
from tuishare.core.clock import Clock
from tuishare.core.records import HandoverRecord
from tuishare.envelope.parcel import seal_parcel
from tuishare.errors import SystemFailed
from tuishare.link.address_record import HubAddress, read_record
from tuishare.link.mailbox.client import put_parcel
from tuishare.link.mailbox.letter import MOST_RECEIPTS, Letter, write_letter
from tuishare.link.messages import Offer
from tuishare.link.peer import LinkFailed
from tuishare.link.redial import Pauses
from tuishare.people import Identity, User

_WAIT_SECONDS: Final = 10
"""For which a link has the first turn."""
_LOOK_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 30 * 86_400
"""After which a parcel without a receipt has expired at the hub, and is put again."""
_AT_A_TIME: Final = 4
"""Hubs that are called at a time."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Contact:
    """When a contact's hub is tried again, in seconds of the loop, and after which pauses."""

    pauses: Pauses
    not_before: float = 0.0


class MailboxSender:
    """Puts what waits for contacts into their mailboxes."""

    def __init__(
        self,
        membership: HubMembership,
        parts: LinkParts,
        links: OpenLinks,
        *,
        identity: Live[Identity],
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._membership = membership
        self._parts = parts
        self._links = links
        self._identity = identity
        self._changed = changed
        self._clock = clock
        self._contacts: dict[bytes, _Contact] = {}
        self._receipts: set[bytes] = set()
        """Signed receipts that were put; a link that opens later delivers them once more."""
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    async def run(self) -> None:
        """Look at what waits until cancelled; a hub that is slow keeps nothing from the others."""
        serving: dict[bytes, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                contacts = self._having_mailboxes()
                self._contacts = {
                    signer: self._contacts.get(signer, _Contact(Pauses())) for signer in contacts
                }
                serving = {signer: task for signer, task in serving.items() if not task.done()}
                for signer in contacts.keys() - serving.keys():
                    serving[signer] = group.create_task(self._serve(contacts[signer], self._contacts[signer]))
                await asyncio.sleep(_LOOK_SECONDS)

    def _having_mailboxes(self) -> dict[bytes, User]:
        """Return the contacts whose address records name a hub."""
        contacts = self._parts.contacts
        records = ((signer, user, contacts.record_of(signer)) for signer, user in contacts.all().items())
        return {signer: user for signer, user, record in records if record and record.hub}

    async def _serve(self, user: User, state: _Contact) -> None:
        assert user.card is not None
        signer = user.card.signer
        record = self._parts.contacts.record_of(signer)
        now = asyncio.get_running_loop().time()
        if record is None or record.hub is None or self._links.get(signer) or now < state.not_before:
            return
        with isolate_errors("put a parcel"):
            try:
                async with self._turns:
                    seconds = await self._put_all(user, record.hub)
                state.pauses.reset()
            except (LinkFailed, SystemFailed) as error:
                _log.info("A parcel could not be put: %s", error.detail)
                seconds = state.pauses.next()
            state.not_before = asyncio.get_running_loop().time() + seconds

    async def _put_all(self, user: User, hub: HubAddress) -> float:
        """Put everything that has waited long enough; return the seconds until the next try."""
        assert user.card is not None
        signer, latest = user.card.signer, self._clock.now() - _WAIT_SECONDS
        for record in self._parts.handovers.waiting(signer):
            if record.at > latest or record.hub > self._clock.now() - _AGAIN_SECONDS:
                continue
            if seconds := await self._put_envelope(user, hub, record):
                return seconds
        owed = [
            arrival.receipt
            for arrival in self._parts.arrivals.owed(signer)
            if arrival.at <= latest and arrival.receipt not in self._receipts
        ]
        for start in range(0, len(owed), MOST_RECEIPTS):
            some = tuple(owed[start : start + MOST_RECEIPTS])
            if seconds := await self._put(user, hub, receipts=some):
                return seconds
            self._receipts.update(some)
        if signer in self._membership.untold and (seconds := await self._put(user, hub)):
            return seconds
        return 0.0

    async def _put_envelope(self, user: User, hub: HubAddress, record: HandoverRecord) -> float:
        handovers = self._parts.handovers
        content = await handovers.content(record)
        if content is None or not handovers.is_waiting(record):
            return 0.0
        offer = Offer(record.digest, record.size, bytes.fromhex(record.share), record.generation)
        seconds = await self._put(user, hub, offer=offer, envelope=content)
        if not seconds:
            await handovers.note_put(record)
        return seconds

    async def _put(
        self,
        user: User,
        hub: HubAddress,
        *,
        receipts: tuple[bytes, ...] = (),
        offer: Offer | None = None,
        envelope: bytes = b"",
    ) -> float:
        """Put one letter; return 0 when it is there, else the seconds until the hub may have room."""
        assert user.card is not None
        card, identity = user.card, self._identity.current
        letter = Letter(
            signer=identity.signer,
            recipient=card.signer,
            record=self._parts.own_record.signed_for(card.signer),
            receipts=receipts,
            offer=offer,
        )
        content = write_letter(identity.signing_key, letter, envelope)
        parcel = await asyncio.to_thread(seal_parcel, card.public_key, content)
        full = await put_parcel(hub, parcel)
        if full is not None:
            _log.info("The hub of %s does not take a parcel: %s", user.name, full.reason)
            return float(full.seconds)
        if (own := read_record(letter.record).hub) is not None:
            await asyncio.to_thread(self._membership.note_told, card.signer, own.write_key)
        self._changed.notify()
        return 0.0
