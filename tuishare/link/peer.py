"""What a link needs from the agent, and the stream that it runs over.

Owns the protocols by which `session` and `server` reach the rest of the program. Must not implement them.
"""

from __future__ import annotations

from typing import Protocol

from tuishare.errors import TuishareError
from tuishare.link.address_record import AddressRecord
from tuishare.link.introduction import Introduction
from tuishare.link.messages import (
    Declined,
    IntroductionAnswer,
    InvitationAnswer,
    Later,
    Offer,
    OfferAnswer,
    ProblemMessage,
    Redeem,
)
from tuishare.link.receipt import Receipt


class LinkFailed(TuishareError):
    """There is no link: it could not be made, or it has ended."""

    code = "link"
    title = "No link"


class InvitationRefused(LinkFailed):
    """The inviter does not take an invitation.

    Attributes:
        is_answered: they said so; otherwise the connection ended, as it does for one who holds no invitation.
    """

    def __init__(self, detail: str, *, hint: str = "", is_answered: bool = False) -> None:
        super().__init__(detail, hint=hint)
        self.is_answered = is_answered


class ApprovalPending(LinkFailed):
    """The inviter has to approve first: they are to be called again."""


class LinkStream(Protocol):
    """A reliable stream of bytes to the other agent."""

    async def read(self, size: int) -> bytes:
        """Return exactly that many bytes.

        Raises:
            LinkFailed: the stream ended before.
        """

    def write(self, data: bytes) -> None:
        """Queue bytes; nothing happens once the stream has ended."""

    async def drain(self) -> None:
        """Wait until little is queued.

        Raises:
            LinkFailed: the stream has ended.
        """

    def close(self) -> None:
        """End the stream and its connection at once; what is queued may be lost."""


class LinkPeer(Protocol):
    """What the agent does about one contact; its calls are made one after the other for each link.

    A `TuishareError` of `judge` or `take` counts as `Later`; any other exception ends the link.
    """

    @property
    def signer(self) -> bytes:
        """Ed25519 public key of the contact's card."""

    def own_record(self) -> bytes:
        """Return our signed address record for this contact."""

    def own_introducible(self) -> bytes:
        """Return our signed address record without our mailbox; empty where the record itself names none."""

    async def judge(self, offer: Offer) -> OfferAnswer:
        """Decide about an offer before a byte of it is taken: size, rate, quota, and what is here already."""

    async def take(self, offer: Offer, content: bytes) -> bytes | Later | Declined:
        """Keep an envelope whose size and digest are as offered, durably, and return our signed receipt.

        Called again with the same offer after a link that broke, it must keep one envelope only. It is cancelled when
        the link ends, and must have kept all or nothing then.
        """

    async def keep_record(self, record: AddressRecord, signed: bytes) -> None:
        """Keep a record of the contact if it supersedes the one known."""

    async def keep_introducible(self, record: AddressRecord, signed: bytes) -> None:
        """Keep a record that the contact lets us pass on, if it supersedes the one known."""

    async def keep_introduction(self, introduction: Introduction, signed: bytes) -> IntroductionAnswer:
        """Decide about an introduction by the contact, and keep it durably before answering `Have`.

        Its card and record are not verified; may be called again with the same one.
        """

    async def keep_receipt(self, receipt: Receipt, signed: bytes) -> None:
        """Keep what the contact states about an envelope of ours, durably; may be called twice with the same.

        A contact may state anything about any envelope: what we never offered to them is not to be stored.
        """

    async def keep_problem(self, problem: ProblemMessage) -> None:
        """Keep what keeps the contact from a payload of ours; comes as often as the contact likes, about anything."""


class Callers(Protocol):
    """Who may call, as the agent knows it."""

    def find(self, signer: bytes, link_key: bytes) -> LinkPeer | None:
        """Return the contact with this signer if their newest address record names the key; otherwise None."""

    async def introduce(self, record: AddressRecord, signed: bytes) -> LinkPeer | None:
        """Keep the record of a stranger who has proved its link key, if its signer is a contact and it is newer.

        Returns:
            The contact; None leaves the stranger one, and nothing may be written then.
        """

    async def redeem(self, redeem: Redeem, link_key: bytes, host: str) -> InvitationAnswer | None:
        """Redeem an invitation in one transaction.

        Args:
            redeem: not yet checked; `check_redeem` does.
            link_key: that the stranger has proved.
            host: address that they call from, to be shown.

        Returns:
            The answer to one who holds it; None for an invitation that is unknown or not held.
        """
