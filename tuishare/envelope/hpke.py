"""HPKE with X-Wing (RFC 9180; ML-KEM-768 and X25519), which slots and parcels are sealed with.

Owns the suite and the reading of public keys. Must not know what is sealed.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from tuishare.errors import BadInput

PUBLIC_KEY_SIZE: Final = 1216
"""Size of an X-Wing public key in bytes: ML-KEM-768 (1184), then X25519 (32)."""
ENC_SIZE: Final = 1120
"""Size of an X-Wing encapsulation in bytes: ML-KEM-768 (1088), then X25519 (32)."""
SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_MLKEM_PUBLIC_SIZE: Final = 1184


class BadPublicKey(BadInput):
    """A public key for which nothing can be sealed."""

    def __init__(self) -> None:
        super().__init__("A recipient's card has no usable key", hint="Ask that user for the card again.")


def load_public_key(public_key: bytes) -> MLKEM768X25519PublicKey:
    """Read a public key of `PUBLIC_KEY_SIZE` bytes.

    Raises:
        BadPublicKey: it is not valid; one whose X25519 half has small order is refused when it is used.
    """
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC_SIZE:]),
        )
    except ValueError as error:
        raise BadPublicKey from error
