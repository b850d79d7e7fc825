"""Letters: what stands in a parcel, signed by its sender for its recipient.

Owns the format (hub/SPEC.md, section "Letter"). A letter carries what a link would: an address record, receipts, and an
envelope with its offer. Must not decide what is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from tuishare.errors import VerificationFailed
from tuishare.link.messages import Offer, SignedReceipt, SignedRecord
from tuishare.link.statements import Bytes32, Statement, read_statement, sign_statement

MOST_RECEIPTS: Final = 2
"""Receipts in one letter; more go in further ones."""
_DOMAIN: Final = b"tuishare/letter/v1"
_HEAD_SIZE: Final = 2
_LETTER_LIMIT: Final = 4_000


class Letter(Statement, frozen=True, kw_only=True):
    """What its sender has to say; the signature of one that was read is verified.

    Attributes:
        recipient: signer of the recipient's card: a letter cannot be sealed once more for another user.
        record: the sender's address record, signed.
        receipts: for envelopes of the recipient.
        offer: of the envelope that follows; `None` without one.
    """

    recipient: Bytes32
    record: SignedRecord
    receipts: Annotated[tuple[SignedReceipt, ...], Meta(max_length=MOST_RECEIPTS)] = ()
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """A letter, and the envelope that it offers; empty without one."""

    letter: Letter
    envelope: bytes


_DECODER: Final = msgspec.msgpack.Decoder(Letter)


def write_letter(key: Ed25519PrivateKey, letter: Letter, envelope: bytes = b"") -> bytes:
    """Sign a letter, whose signer is the public half of `key`; return the content of its parcel."""
    signed = sign_statement(key, _DOMAIN, letter)
    return len(signed).to_bytes(_HEAD_SIZE, "big") + signed + envelope


def read_letter(content: bytes) -> OpenedLetter:
    """Read the content of a parcel; whose key the signer is, is the caller's question.

    Raises:
        VerificationFailed: malformed, not signed by its signer, or an envelope of another size than offered.
    """
    size = int.from_bytes(content[:_HEAD_SIZE], "big")
    signed, envelope = content[_HEAD_SIZE : _HEAD_SIZE + size], content[_HEAD_SIZE + size :]
    try:
        if len(signed) != size:
            raise ValueError("cut off")
        letter = read_statement(signed, _DOMAIN, _DECODER, limit=_LETTER_LIMIT)
        if len(envelope) != (letter.offer.size if letter.offer is not None else 0):
            raise ValueError("an envelope of another size")
    except ValueError as error:
        raise VerificationFailed("The letter is not valid") from error
    return OpenedLetter(letter, envelope)
