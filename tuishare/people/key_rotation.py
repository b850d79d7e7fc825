r"""Successions: an identity's word for the one that takes its place.

Owns the format, a chain of links, oldest first, at most `MAX_LINKS`; each is::

    size  field
    32    Ed25519 public key of the former identity
    ..    card of the new identity: name with its length, keys and signature, see `tuishare.people.cards`
    64    Ed25519 signature by the former key over "tuishare/succession/v1\0" and everything above

and the former key of a link is the one in the card of the link before. In an envelope it stands as these bytes, to be
pasted as ``tuishare-succession-v1:`` and the unpadded base64url of them and of a checksum, 6 bytes: the first of
SHA-256("tuishare/succession/v1/checksum\0" and everything above).

Who knew the former card has the owner's word that the new one is his. Whoever has stolen the former key can give that
word as well, and the first to be believed stays: after a theft, fingerprints have to be compared again. Must not decide
who is believed.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tuishare.errors import BadInput
from tuishare.people.cards import Card, encode_card, split_card
from tuishare.people.public_keys import SIGNER_SIZE, check_signer

SUCCESSION_PREFIX: Final = "tuishare-succession-v1:"
MAX_LINKS: Final = 6
"""Who has missed more than that has to compare fingerprints."""

_SIGNATURE_SIZE = 64
_CHECKSUM_SIZE = 6
_TEXT_LIMIT = 32_768  # six links with the longest names have 13,872 characters; the rest is for line wraps
_COPY_AGAIN = "Copy all of it again, from 'tuishare-succession-v1:' to its end."


@dataclass(frozen=True, slots=True)
class RotationLink:
    """One identity's word for the next. One that exists is valid.

    Attributes:
        former: Ed25519 public key of the former identity, 32 bytes.
        card: of the new one.
        signature: by the former key, 64 bytes.

    Raises:
        BadInput: the signature does not fit, or the former key cannot be one.
    """

    former: bytes
    card: Card
    signature: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_signer(self.former)
        try:
            statement = _statement(self.former, self.card)
            Ed25519PublicKey.from_public_bytes(self.former).verify(self.signature, statement)
        except InvalidSignature as error:
            raise BadInput(
                "The former key did not sign this succession",
                hint="Somebody changed it: ask for the new card over another way.",
            ) from error

    def __bytes__(self) -> bytes:
        return self.former + encode_card(self.card) + self.signature


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """A chain of identities of one owner. One that exists is valid.

    Raises:
        BadInput: no link or too many, or two that do not fit together.
    """

    links: tuple[RotationLink, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.links) <= MAX_LINKS:
            raise BadInput(f"A succession has 1 to {MAX_LINKS} links")
        if any(one.card.signer != other.former for one, other in itertools.pairwise(self.links)):
            raise BadInput("The links of the succession do not fit together")

    def __bytes__(self) -> bytes:
        return b"".join(map(bytes, self.links))

    def __str__(self) -> str:
        data = bytes(self)
        return SUCCESSION_PREFIX + _encode_base64(data + _checksum(data))

    @property
    def card(self) -> Card:
        """The present card."""
        return self.links[-1].card

    @property
    def formers(self) -> tuple[bytes, ...]:
        """The Ed25519 public keys of the former identities, oldest first."""
        return tuple(link.former for link in self.links)


def sign_rotation(former: Ed25519PrivateKey, card: Card, before: KeyRotation | None) -> KeyRotation:
    """Give an identity's word for the card that takes its place.

    Args:
        former: its private signing key.
        card: the new one.
        before: how it came to be the owner's itself.
    """
    public = former.public_key().public_bytes_raw()
    link = RotationLink(public, card, former.sign(_statement(public, card)))
    return KeyRotation((*(before.links if before else ()), link)[-MAX_LINKS:])


def decode_succession(data: bytes) -> KeyRotation:
    """Read one as it stands in an envelope.

    Raises:
        BadInput: it is none.
    """
    links: list[RotationLink] = []
    rest = data
    while rest and len(links) <= MAX_LINKS:
        former, body = rest[:SIGNER_SIZE], rest[SIGNER_SIZE:]
        card, rest = split_card(body)
        signature, rest = rest[:_SIGNATURE_SIZE], rest[_SIGNATURE_SIZE:]
        links.append(RotationLink(former, card, signature))
    return KeyRotation(tuple(links))


def parse_succession(text: str) -> KeyRotation:
    """Read one as it was pasted; white space around and inside it is ignored.

    Raises:
        BadInput: wrong prefix, cut off, mistyped, followed by something else, or not valid.
    """
    if len(text) > _TEXT_LIMIT:
        raise BadInput("This text is too long to be a succession", hint=_COPY_AGAIN)
    compact = "".join(text.split())
    if not compact.startswith(SUCCESSION_PREFIX):
        raise BadInput(f"A succession starts with '{SUCCESSION_PREFIX}'", hint=_COPY_AGAIN)
    mistyped = BadInput("The succession is cut off or has a typing mistake", hint=_COPY_AGAIN)
    coded = compact.removeprefix(SUCCESSION_PREFIX)
    try:
        data = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    except ValueError as error:
        raise mistyped from error
    body = data[:-_CHECKSUM_SIZE]
    # Comparing the whole text covers alphabet, stray bits and checksum at once.
    if _encode_base64(body + _checksum(body)) != coded:
        raise mistyped
    return decode_succession(body)


def _statement(former: bytes, card: Card) -> bytes:
    return b"tuishare/succession/v1\0" + former + encode_card(card)


def _encode_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(b"tuishare/succession/v1/checksum\0" + data).digest()[:_CHECKSUM_SIZE]
