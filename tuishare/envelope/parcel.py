"""Parcels: what an agent sends to one user by way of a mailbox, sealed to that user alone.

Owns the format (tuishare/hub/SPEC.md, section "Parcel"). A parcel hides who sent it and what it is: one envelope for
five users makes five parcels that have nothing in common. It proves nothing about its sender: what is inside does.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from tuishare.envelope.errors import Damaged, NotForUs
from tuishare.envelope.frame import MAX_SIZE, TAG_SIZE
from tuishare.envelope.hpke import ENC_SIZE, SUITE, BadPublicKey, load_public_key
from tuishare.envelope.padding import pad, padme, unpad

_INFO: Final = b"tuishare/parcel/v1"
_LENGTH_SIZE: Final = 4
MOST_CONTENT: Final = MAX_SIZE + 4096
"""Most bytes inside: an envelope and what stands beside it."""
MOST_PARCEL: Final = ENC_SIZE + padme(_LENGTH_SIZE + MOST_CONTENT) + TAG_SIZE
"""Most bytes of a parcel."""


def seal_parcel(public_key: bytes, content: bytes) -> bytes:
    """Seal a parcel; the same content makes another parcel each time.

    Args:
        public_key: of the recipient's card, X-Wing, 1,216 bytes.
        content: at most `MOST_CONTENT` bytes.

    Raises:
        BadPublicKey: the key is not valid.
        ValueError: the content is too long.
    """
    if len(content) > MOST_CONTENT:
        raise ValueError("too long for a parcel")
    padded = pad(content, _LENGTH_SIZE, padme(_LENGTH_SIZE + len(content)))
    try:
        return SUITE.encrypt(padded, load_public_key(public_key), info=_INFO)
    except ValueError as error:  # an X25519 point of small order gives no shared secret
        raise BadPublicKey from error


def open_parcel(private_key: MLKEM768X25519PrivateKey, parcel: bytes) -> bytes:
    """Open a parcel.

    Raises:
        NotForUs: it is sealed for another key, or was changed.
        Damaged: its content was not made by `seal_parcel`.
    """
    if not ENC_SIZE + TAG_SIZE < len(parcel) <= MOST_PARCEL:
        raise NotForUs
    try:
        padded = SUITE.decrypt(parcel, private_key, info=_INFO)
    except InvalidTag as error:
        raise NotForUs from error
    try:
        content = unpad(padded, _LENGTH_SIZE)
    except ValueError as error:
        raise Damaged from error
    if len(padded) != padme(_LENGTH_SIZE + len(content)):
        raise Damaged
    return bytes(content)
