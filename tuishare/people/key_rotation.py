r"""Key rotation: a succession is an identity's signature for the one that replaces it.

Owns the format, a chain of links, oldest first, at most `MAX_LINKS`; each is::

    size  field
    32    Ed25519 public key of the former identity
    ..    card of the new identity: name with its length, keys and signature, see `tuishare.people.cards`
    64    Ed25519 signature by the former key over "tuishare/succession/v1\0" and everything above

and the former key of a link is the one in the card of the previous link. Envelopes contain these bytes; as text, a
succession is ``tuishare-succession-v1:`` and the unpadded base64url of them and of a checksum, the first 6 bytes of
SHA-256("tuishare/succession/v1/checksum\0" and everything above).

A user who has the former card thereby knows that its owner has made the new one. A thief of the former key can sign a
succession as well, and the first one accepted wins: after a theft, fingerprints have to be compared again. Must not
decide which succession to accept.
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
from tuishare.people.keys import SIGNER_SIZE, check_signer

SUCCESSION_PREFIX: Final = "tuishare-succession-v1:"
MAX_LINKS: Final = 6
"""Users who missed more rotations have to compare fingerprints."""

_SIGNATURE_SIZE = 64
_CHECKSUM_SIZE = 6
_TEXT_LIMIT = 32_768  # six links with the longest names have 13,872 characters; the rest is for line wraps
_COPY_AGAIN = "Copy all of it again, from 'tuishare-succession-v1:' to its end."


@dataclass(frozen=True, slots=True)
class RotationLink:
    """One identity's signature for the next. Every instance is valid.

    Attributes:
        former: Ed25519 public key of the former identity, 32 bytes.
        card: of the new one.
        signature: by the former key, 64 bytes.

    Raises:
        BadInput: the signature or the former key is invalid.
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
                hint="It was changed on its way: ask the owner to send the new card another way.",
            ) from error

    def __bytes__(self) -> bytes:
        return self.former + encode_card(self.card) + self.signature


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """A chain of identities of one owner. Every instance is valid.

    Raises:
        BadInput: no link, too many, or two that do not follow each other.
    """

    links: tuple[RotationLink, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.links) <= MAX_LINKS:
            raise BadInput(f"A succession has 1 to {MAX_LINKS} links")
        if any(one.card.signer != other.former for one, other in itertools.pairwise(self.links)):
            raise BadInput("The links of the succession do not follow each other")

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
    """Sign a new card with the former identity.

    Args:
        former: private signing key of the former identity.
        card: the new one.
        before: the succession of the former identity, if any.
    """
    public = former.public_key().public_bytes_raw()
    link = RotationLink(public, card, former.sign(_statement(public, card)))
    return KeyRotation((*(before.links if before else ()), link)[-MAX_LINKS:])


def decode_succession(data: bytes) -> KeyRotation:
    """Decode a succession from an envelope.

    Raises:
        BadInput: it is invalid.
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
    """Parse a pasted succession; white space around and inside it is ignored.

    Raises:
        BadInput: the prefix is wrong, or the succession is truncated, mistyped, followed by more text or invalid.
    """
    if len(text) > _TEXT_LIMIT:
        raise BadInput("This text is too long to be a succession", hint=_COPY_AGAIN)
    compact = "".join(text.split())
    if not compact.startswith(SUCCESSION_PREFIX):
        raise BadInput(f"A succession starts with '{SUCCESSION_PREFIX}'", hint=_COPY_AGAIN)
    mistyped = BadInput("The succession is incomplete or has a typing mistake", hint=_COPY_AGAIN)
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
