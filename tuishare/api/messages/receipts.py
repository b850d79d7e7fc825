"""Receipts: what recipients' agents have signed about the envelopes of this agent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, Message, ShareId, UnixTime


class ReceiptState(StrEnum):
    """What a receipt states."""

    RECEIVED = "received"
    """The envelope is in the recipient's inbox."""
    REFUSED = "refused"
    """It was not admitted."""
    COMPLETE = "complete"
    """Every piece was verified, and the payload delivered."""


class SignerTrust(StrEnum):
    """How far the signer of a receipt is known."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FORMER = "former"
    """A key that a user has replaced."""
    OURSELVES = "ourselves"
    UNKNOWN = "unknown"


class ReceiptQuery(Message, frozen=True, kw_only=True):
    """Which receipts are asked for.

    Attributes:
        share: id or exact name of a share, which may be gone; empty: all.
    """

    share: Annotated[str, msgspec.Meta(max_length=4_096)] = ""


class Receipt(Message, frozen=True, kw_only=True):
    """A receipt that was kept; the word of the recipient's software.

    Attributes:
        share: id of the share.
        name: of the share; untrusted text.
        user: name of the recipient.
        state: what is stated.
        at: when, by the recipient's clock, Unix seconds.
        kept: when it came, by this agent's clock, Unix seconds.
        generation: of the share.
        digest: SHA-256 of the envelope, hexadecimal.
        info_hash: of the torrent, hexadecimal; empty before the envelope was opened.
        text: the signed receipt as one line, ``tuishare-receipt-v1:…``.
    """

    share: ShareId
    name: str
    user: str
    state: ReceiptState
    at: Annotated[int, msgspec.Meta(ge=0, extra={"unit": "unix-time", "rfc3339": "stated_at"})]
    kept: UnixTime
    generation: Count
    digest: str
    info_hash: str
    text: str


class CheckedReceipt(Message, frozen=True, kw_only=True):
    """A receipt that was checked without an agent.

    Attributes:
        valid: whether it was signed by its signer; otherwise everything but `problem` is empty.
        trust: how far the signer is known in this home.
        user: name of the signer in the user book; empty if unknown.
        signer: Ed25519 public key of the signer, hexadecimal.
        state: what is stated; None in a receipt that is not valid.
        at: when, by the signer's clock, Unix seconds.
        share: id of the share.
        generation: of the share.
        digest: SHA-256 of the envelope, hexadecimal.
        info_hash: of the torrent, hexadecimal; empty before the envelope was opened.
        problem: why it is not valid, or not to be relied on; empty otherwise.
    """

    valid: bool
    trust: SignerTrust = SignerTrust.UNKNOWN
    user: str = ""
    signer: str = ""
    state: ReceiptState | None = None
    at: Annotated[int, msgspec.Meta(ge=0, extra={"unit": "unix-time", "rfc3339": "stated_at"})] = 0
    share: str = ""
    generation: Count = 0
    digest: str = ""
    info_hash: str = ""
    problem: str = ""
