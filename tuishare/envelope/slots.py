"""Slots: the content key and a ticket, encrypted for one recipient; all kinds are indistinguishable.

Owns the kinds of slots, their sealing and opening (SPEC.md, section "Slots"). It must not reveal, by an error or an
early exit, which slot belongs to whom.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final, assert_never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from tuishare.envelope.derivation import derive_slot_key
from tuishare.envelope.frame import IV_SIZE, SLOT_SIZE, TAG_SIZE
from tuishare.envelope.hpke import ENC_SIZE, SUITE, BadPublicKey, load_public_key
from tuishare.envelope.ticket import Ticket, slot_plaintext
from tuishare.errors import BadInput

KEY_SIZE: Final = 32
"""Size of a user key in bytes."""
CARD_PLAINTEXT_SIZE: Final = SLOT_SIZE - ENC_SIZE - TAG_SIZE
KEY_PLAINTEXT_SIZE: Final = SLOT_SIZE - ENC_SIZE - IV_SIZE - TAG_SIZE

_CARD_SLOT: Final = b"tuishare/TSE1/slot"


@dataclass(frozen=True, slots=True)
class CardRecipient:
    """A user with a card.

    Attributes:
        public_key: X-Wing public key, 1184 bytes ML-KEM-768, then 32 bytes X25519.
        ticket: for this recipient only.
    """

    public_key: bytes
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class KeyRecipient:
    """A user with a 256-bit key shared beforehand.

    Attributes:
        key: 32 bytes.
        ticket: for this recipient only.
    """

    key: bytes = field(repr=False)
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class CardKey:
    """The private half of a card."""

    private: MLKEM768X25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserKey:
    """A 256-bit user key."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_user_key(self.key)


Recipient = CardRecipient | KeyRecipient
OpeningKey = CardKey | UserKey


def require_user_key(key: bytes) -> None:
    """Check that a user key has 32 bytes.

    Raises:
        BadInput: it has not.
    """
    if len(key) != KEY_SIZE:
        raise BadInput(f"A user key has {KEY_SIZE} bytes", hint="Write it as 64 hexadecimal digits.")


def seal_slot(recipient: Recipient, content_key: bytes, ticket_data: bytes, header: bytes) -> bytes:
    """Seal one slot of `SLOT_SIZE` bytes.

    Raises:
        BadInput: the recipient's public key is invalid, or the user key has a wrong size.
    """
    match recipient:
        case CardRecipient(public_key=public_key):
            plaintext = slot_plaintext(content_key, ticket_data, CARD_PLAINTEXT_SIZE)
            return _seal_to_card(load_public_key(public_key), plaintext, header)
        case KeyRecipient(key=key):
            require_user_key(key)
            plaintext = slot_plaintext(content_key, ticket_data, KEY_PLAINTEXT_SIZE)
            return _seal_to_key(key, plaintext, header)
        case _:
            assert_never(recipient)


def seal_filler(header: bytes) -> bytes:
    """Make a slot that no key opens, indistinguishable from the others; it contains no secret."""
    return _seal_to_card(_discarded_key(), bytes(CARD_PLAINTEXT_SIZE), header)


def try_slot(key: OpeningKey, slot: bytes, header: bytes) -> bytes | None:
    """Try one key on one slot.

    Returns:
        The slot's plaintext, not validated, or `None` if the slot is not for this key (or damaged).
    """
    try:
        match key:
            case CardKey(private=private):
                return SUITE.decrypt(slot, private, info=_CARD_SLOT + header)
            case UserKey(key=user_key):
                enc, iv, sealed = (
                    slot[:ENC_SIZE],
                    slot[ENC_SIZE : ENC_SIZE + IV_SIZE],
                    slot[ENC_SIZE + IV_SIZE :],
                )
                return AESGCM(derive_slot_key(user_key, enc, header)).decrypt(iv, sealed, header)
            case _:
                assert_never(key)
    except InvalidTag:
        return None


def _seal_to_card(public_key: MLKEM768X25519PublicKey, plaintext: bytes, header: bytes) -> bytes:
    try:
        return SUITE.encrypt(plaintext, public_key, info=_CARD_SLOT + header)
    except ValueError as error:  # an X25519 point of small order gives no shared secret
        raise BadPublicKey from error


def _seal_to_key(user_key: bytes, plaintext: bytes, header: bytes) -> bytes:
    # A real encapsulation to a discarded key: its last 32 bytes are a point of Curve25519. Only half of all random
    # strings are, so random bytes would give key slots away.
    enc = SUITE.encrypt(b"", _discarded_key())[:ENC_SIZE]
    iv = secrets.token_bytes(IV_SIZE)
    return enc + iv + AESGCM(derive_slot_key(user_key, enc, header)).encrypt(iv, plaintext, header)


def _discarded_key() -> MLKEM768X25519PublicKey:
    return MLKEM768X25519PrivateKey(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()).public_key()
