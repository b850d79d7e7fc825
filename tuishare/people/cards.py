r"""Cards: the public half of an identity as one line of text.

Owns the format, ``tuishare-card-v1:`` and the unpadded base64url (RFC 4648, section 5) of::

    size  field
    1     n, length of the name in bytes
    n     name, UTF-8, normal form C
    1216  X-Wing public key: ML-KEM-768 encapsulation key, X25519 key
    32    Ed25519 public key
    64    Ed25519 signature over "tuishare/card/v1\0" and everything above
    6     checksum: first bytes of SHA-256("tuishare/card/v1/checksum\0" and everything above)

The checksum distinguishes a typing mistake from an attack. The signature proves that the owner of the signing key
chose the name and the other key, so two cards cannot be mixed. It does not prove who the owner is: for that, users
compare fingerprints. Must not hold a private key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tuishare.errors import BadInput
from tuishare.people.fingerprints import Fingerprint
from tuishare.people.keys import PUBLIC_KEY_SIZE, SIGNER_SIZE, check_public_key, check_signer
from tuishare.people.names import validate_name

CARD_PREFIX = "tuishare-card-v1:"
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_SIGNATURE_SIZE = 64
_CHECKSUM_SIZE = 6
CARD_LIMIT = 1 + 255 + PUBLIC_KEY_SIZE + SIGNER_SIZE + _SIGNATURE_SIZE
"""Most bytes of a card without its checksum."""
_FIXED_SIZE = 1 + PUBLIC_KEY_SIZE + SIGNER_SIZE + _SIGNATURE_SIZE + _CHECKSUM_SIZE
_TEXT_LIMIT = 16_384  # a card has at most 2,117 characters; the rest is for line wraps
_COPY_AGAIN = "Copy the whole card again, from 'tuishare-card-v1:' to its end."


@dataclass(frozen=True, slots=True)
class Card:
    """A name, the keys that belong to it, and the signature that binds them. Every instance is valid.

    Attributes:
        name: chosen by the owner; the user book may use another one.
        public_key: X-Wing public key, 1,216 bytes.
        signer: Ed25519 public key, 32 bytes.
        signature: Ed25519 signature over the three, 64 bytes.

    Raises:
        BadInput: the name or a key is not allowed, or the signature is invalid.
    """

    name: str
    public_key: bytes = field(repr=False)
    signer: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if validate_name(self.name) != self.name:
            raise BadInput("The name in the card is not in its normal form", hint="Ask for a new card.")
        check_public_key(self.public_key)
        check_signer(self.signer)
        try:
            statement = card_statement(self.name, self.public_key, self.signer)
            Ed25519PublicKey.from_public_bytes(self.signer).verify(self.signature, statement)
        except InvalidSignature as error:
            raise BadInput(
                "The signature in the card does not match its name and keys",
                hint="The card was changed on its way: ask the owner to send it another way.",
            ) from error

    def __str__(self) -> str:
        body = encode_card(self)
        return CARD_PREFIX + _encode_base64(body + _checksum(body))

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint to compare with the owner's."""
        return Fingerprint.of_keys(self.public_key, self.signer)


def card_statement(name: str, public_key: bytes, signer: bytes) -> bytes:
    """Return the bytes that the owner of ``signer`` signs to make a card."""
    return b"tuishare/card/v1\0" + _encode_body(name, public_key, signer)


def parse_card(text: str) -> Card:
    """Parse a pasted card; white space around and inside it is ignored.

    Raises:
        BadInput: the prefix is wrong, or the card is truncated, mistyped, followed by more text or invalid.
    """
    if len(text) > _TEXT_LIMIT:
        raise BadInput("This text is too long to be a card", hint=_COPY_AGAIN)
    compact = "".join(text.split())
    if not compact.startswith(CARD_PREFIX):
        raise BadInput(f"A card starts with '{CARD_PREFIX}'", hint=_COPY_AGAIN)
    data = _decode_base64(compact.removeprefix(CARD_PREFIX))
    body = data[:-_CHECKSUM_SIZE]
    if not hmac.compare_digest(_checksum(body), data[len(body) :]):
        raise BadInput("The card has a typing mistake: its checksum does not match", hint=_COPY_AGAIN)
    return _decode_body(body)


def encode_card(card: Card) -> bytes:
    """Encode a card without its checksum, which guards against typing mistakes only."""
    return _encode_body(card.name, card.public_key, card.signer) + card.signature


def split_card(data: bytes) -> tuple[Card, bytes]:
    """Decode the card at the start of `data`.

    Returns:
        The card and the remaining bytes.

    Raises:
        BadInput: `data` does not start with a valid card.
    """
    size = _FIXED_SIZE - _CHECKSUM_SIZE + (data[0] if data else 0)
    if len(data) < size:
        raise BadInput("The card is incomplete", hint="Ask for it again.")
    return _decode_body(data[:size]), data[size:]


def _decode_base64(text: str) -> bytes:
    if not _BASE64.fullmatch(text):
        raise BadInput("The card contains a character that is not allowed", hint=_COPY_AGAIN)
    whole = text[:-1] if len(text) % 4 == 1 else text  # one character alone makes no byte
    data = base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))
    _check_extent(data)
    if _encode_base64(data) != text:  # bits or a character after the last byte
        raise BadInput("The card has a typing mistake at its end", hint=_COPY_AGAIN)
    return data


def _encode_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _check_extent(data: bytes) -> None:
    size = _FIXED_SIZE + (data[0] if data else 0)
    if len(data) < size:
        raise BadInput("The card is incomplete", hint=_COPY_AGAIN)
    if len(data) > size:
        raise BadInput("The card is followed by other text", hint=_COPY_AGAIN)


def _decode_body(body: bytes) -> Card:
    name_end = 1 + body[0]
    signer_start = name_end + PUBLIC_KEY_SIZE
    signature_start = signer_start + SIGNER_SIZE
    try:
        name = body[1:name_end].decode()
    except UnicodeDecodeError as error:
        raise BadInput("The name in the card is not UTF-8", hint="Ask for a new card.") from error
    return Card(name, body[name_end:signer_start], body[signer_start:signature_start], body[signature_start:])


def _encode_body(name: str, public_key: bytes, signer: bytes) -> bytes:
    encoded = name.encode()
    return bytes([len(encoded)]) + encoded + public_key + signer


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(b"tuishare/card/v1/checksum\0" + body).digest()[:_CHECKSUM_SIZE]
