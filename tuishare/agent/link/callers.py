"""Who may call this agent: contacts, and strangers who prove to be one.

Owns the answers to `tuishare.link.server`. Nothing is written for a stranger who is refused (threat T18).
"""

from __future__ import annotations

from tuishare.agent.link.contact_peer import LinkParts
from tuishare.agent.link.invitations import Invitations
from tuishare.agent.link.open_links import OpenLinks
from tuishare.link.address_record import AddressRecord, read_record
from tuishare.link.messages import InvitationAnswer, Redeem, Welcome
from tuishare.link.peer import Callers, LinkPeer


class ContactCallers(Callers):
    """The callers of one agent."""

    def __init__(self, parts: LinkParts, links: OpenLinks, invitations: Invitations) -> None:
        self._parts = parts
        self._links = links
        self._invitations = invitations

    def find(self, signer: bytes, link_key: bytes) -> LinkPeer | None:
        """Return the contact with this signer if their newest address record names the key; otherwise None."""
        contacts = self._parts.contacts
        record = contacts.record_of(signer)
        if contacts.get(signer) is None or record is None or record.link_key != link_key:
            return None
        return self._links.peer(signer)

    async def introduce(self, record: AddressRecord, signed: bytes) -> LinkPeer | None:
        """Keep the record of a stranger who has proved its link key, if its signer is a contact and it is newer."""
        contacts = self._parts.contacts
        if contacts.get(record.signer) is None or not await contacts.keep(record, signed):
            return None
        return self._links.peer(record.signer)

    async def redeem(self, redeem: Redeem, link_key: bytes, host: str) -> InvitationAnswer | None:
        """Redeem an invitation in one transaction; None if it is unknown or not held."""
        answer = await self._invitations.redeem(redeem, link_key, host)
        if isinstance(answer, Welcome):
            joiner = read_record(redeem.record).signer  # it was verified
            if self._parts.contacts.get(joiner) is not None:
                self._links.wakes[joiner].notify()
        return answer
