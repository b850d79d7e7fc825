"""One contact as the conversation of a link sees them.

Owns nothing: passes what a contact says to the parts that keep it, and ends the link of a user who is no longer a
contact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuishare.agent.link.arrivals import Arrivals
from tuishare.agent.link.contacts import Contacts
from tuishare.agent.link.given_introductions import GivenIntroductions
from tuishare.agent.link.handovers import Handovers
from tuishare.agent.link.own_record import OwnRecord
from tuishare.agent.link.received_introductions import ReceivedIntroductions
from tuishare.link.address_record import AddressRecord
from tuishare.link.introduction import Introduction
from tuishare.link.messages import (
    Declined,
    IntroductionAnswer,
    Later,
    Offer,
    OfferAnswer,
    ProblemMessage,
)
from tuishare.link.peer import LinkFailed, LinkPeer
from tuishare.link.receipt import Receipt
from tuishare.people import User


@dataclass(frozen=True, slots=True)
class LinkParts:
    """The parts that keep what links bring."""

    own_record: OwnRecord
    contacts: Contacts
    handovers: Handovers
    arrivals: Arrivals
    given: GivenIntroductions
    received: ReceivedIntroductions


class ContactPeer(LinkPeer):
    """What the agent does about one contact."""

    def __init__(self, parts: LinkParts, signer: bytes, on_record: Callable[[bytes], None]) -> None:
        """`on_record` is called with the signer when a newer address record of the contact was kept."""
        self._parts = parts
        self._signer = signer
        self._on_record = on_record

    @property
    def signer(self) -> bytes:
        """Ed25519 public key of the contact's card."""
        return self._signer

    def own_record(self) -> bytes:
        """Return our signed address record."""
        return self._parts.own_record.signed_for(self._signer)

    def own_introducible(self) -> bytes:
        """Return our signed address record without our mailbox; empty where the record itself names none."""
        return self._parts.own_record.introducible_for(self._signer)

    async def judge(self, offer: Offer) -> OfferAnswer:
        """Decide about an offer before a byte of it is taken."""
        return await self._parts.arrivals.judge(self._user(), offer)

    async def take(self, offer: Offer, content: bytes) -> bytes | Later | Declined:
        """Keep an envelope durably, and return our signed receipt."""
        return await self._parts.arrivals.take(self._user(), offer, content)

    async def keep_record(self, record: AddressRecord, signed: bytes) -> None:
        """Keep a record of the contact if it supersedes the one known."""
        if await self._parts.contacts.keep(record, signed):
            self._on_record(self._signer)

    async def keep_introducible(self, record: AddressRecord, signed: bytes) -> None:
        """Keep a record that the contact lets us pass on, if it supersedes the one known."""
        await self._parts.contacts.keep_introducible(record, signed)

    async def keep_introduction(self, introduction: Introduction, signed: bytes) -> IntroductionAnswer:
        """Decide about an introduction by the contact, and keep it."""
        return await self._parts.received.keep(self._user(), introduction, signed)

    async def keep_receipt(self, receipt: Receipt, signed: bytes) -> None:
        """Keep what the contact states about an envelope of ours."""
        await self._parts.handovers.keep_receipt(receipt, signed)

    async def keep_problem(self, problem: ProblemMessage) -> None:
        """Keep what keeps the contact from a payload of ours."""
        await self._parts.handovers.keep_problem(self._signer, problem)

    def _user(self) -> User:
        """Return the contact as a user.

        Raises:
            LinkFailed: they are no longer one.
        """
        user = self._parts.contacts.get(self._signer)
        if user is None:
            raise LinkFailed("This user is no longer a contact")
        return user
