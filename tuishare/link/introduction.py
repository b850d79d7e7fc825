"""Introductions: what an identity signs about the card of another, for one recipient.

Owns the format (SPEC.md, section "Introduction"). An introduction is the word of its signer and no comparison of
fingerprints. Must not store introductions, nor decide who may introduce whom.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.address_record import RECORD_LIMIT, AddressRecord, read_record
from tuishare.link.statements import Bytes32, PositiveInt, Second, Statement, read_statement, sign_statement
from tuishare.people.cards import CARD_LIMIT, Card, encode_card, split_card
from tuishare.people.names import NAME_CHARACTERS, validate_name

INTRODUCTION_LIMIT: Final = 5_120
"""Most bytes of a signed introduction; one with every field at its longest has 4,100."""
_DOMAIN: Final = b"tuishare/introduction/v1"


class Introduction(Statement, frozen=True, kw_only=True):
    """A card in the words of its introducer; the signature of one that was read is verified, the card is not.

    Attributes:
        recipient: Ed25519 public key of the only identity that it is for.
        sequence: grows with every introduction of this card to this recipient.
        at: seconds since 1970 UTC by the signer's clock; for display, never compared.
        group: in which the signer has both, without ``@``; empty: in none.
        card: of the introduced, encoded.
        record: the newest address record of the introduced that the signer knows, signed by them; empty: none.
    """

    recipient: Bytes32
    sequence: PositiveInt
    at: Second
    group: Annotated[str, Meta(max_length=NAME_CHARACTERS)]
    card: Annotated[bytes, Meta(min_length=1, max_length=CARD_LIMIT)]
    record: Annotated[bytes, Meta(max_length=RECORD_LIMIT)]

    def read_card(self) -> Card:
        """Decode the card.

        Raises:
            BadInput: it is not valid, or the signer's own.
        """
        card, rest = split_card(self.card)
        if rest:
            raise BadInput("The card is followed by other bytes")
        if card.signer == self.signer:
            raise BadInput("The card is that of its introducer")
        return card

    def read_record(self) -> AddressRecord | None:
        """Decode the address record and verify its signature; None without one.

        Raises:
            VerificationFailed: it is not valid, or not signed with the key of the card.
        """
        if not self.record:
            return None
        record = read_record(self.record)
        if record.signer != self.read_card().signer:
            raise VerificationFailed("The address record is that of another identity")
        return record


_DECODER: Final = msgspec.msgpack.Decoder(Introduction)


def sign_introduction(
    key: Ed25519PrivateKey,
    card: Card,
    *,
    recipient: bytes,
    sequence: int,
    at: int,
    group: str = "",
    record: bytes = b"",
) -> bytes:
    """Make a signed introduction; arguments as in `Introduction`.

    Raises:
        BadInput: an argument breaks its rule.
    """
    introduction = Introduction(
        signer=key.public_key().public_bytes_raw(),
        recipient=recipient,
        sequence=sequence,
        at=at,
        group=group,
        card=encode_card(card),
        record=record,
    )
    data = sign_statement(key, _DOMAIN, introduction)
    try:
        read = read_introduction(data)
        read.read_card()
        read.read_record()
    except VerificationFailed as error:
        raise BadInput("The introduction breaks a rule of its format") from error
    return data


def read_introduction(data: bytes) -> Introduction:
    """Decode an introduction and verify the signature of its introducer; card and record in it are not read yet.

    Raises:
        VerificationFailed: malformed, or not signed by its signer.
    """
    try:
        introduction = read_statement(data, _DOMAIN, _DECODER, limit=INTRODUCTION_LIMIT)
        if introduction.group and validate_name(introduction.group) != introduction.group:
            raise ValueError("a group in another form")
    except (ValueError, BadInput) as error:
        raise VerificationFailed("The introduction is not valid") from error
    return introduction
