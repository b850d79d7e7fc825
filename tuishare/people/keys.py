"""Keys: the 256-bit key of a user without a card, and the public keys of cards.

Owns their validation, and the text form of user keys. Of public keys it makes the checks that `cryptography` leaves to
its caller, which loads small-order points without an error; an Ed25519 key of small order "verifies" forged signatures.
Must not know whose key it is, nor put a secret one into a message.
"""

from __future__ import annotations

import re
import secrets

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tuishare.errors import BadInput

KEY_SIZE = 32
_DIGITS = re.compile(r"[0-9a-fA-F]{64}")


def parse_key(text: str) -> bytes:
    """Parse a key of 64 hexadecimal digits; white space around it is ignored.

    Returns:
        32 bytes.

    Raises:
        BadInput: not 64 digits, or all of them zero.
    """
    digits = text.strip()
    if not _DIGITS.fullmatch(digits):
        raise BadInput("A key must be 64 hexadecimal digits", hint="Copy the whole key again.")
    return check_key(bytes.fromhex(digits))


def check_key(key: bytes) -> bytes:
    """Return the key if it is valid.

    Raises:
        BadInput: it has not 32 bytes, or all of them are zero.
    """
    if len(key) != KEY_SIZE:
        raise BadInput(f"A key must be {KEY_SIZE} bytes long")
    if not any(key):
        raise BadInput("A key must not be all zero", hint="Generate a new one.")
    return key


def generate_key() -> bytes:
    """Return a new random key of 32 bytes."""
    return secrets.token_bytes(KEY_SIZE)


def format_key(key: bytes) -> str:
    """Format a key as 64 lower-case hexadecimal digits."""
    return key.hex()


MLKEM_SIZE = 1184  # FIPS 203, encapsulation key of ML-KEM-768
PUBLIC_KEY_SIZE = MLKEM_SIZE + 32  # X-Wing: the ML-KEM-768 encapsulation key, then the X25519 key
SIGNER_SIZE = 32
_FIELD = 2**255 - 19
# Public on purpose. Every scalar is clamped to a multiple of 8 below 8 times the group order (RFC 7748,
# section 5), so the result is zero exactly for the points of small order, and those `exchange` refuses.
_PROBE = bytes([1] * 32)


def check_public_key(public_key: bytes) -> bytes:
    """Return the X-Wing public key if it is valid.

    Raises:
        BadInput: the length is wrong, ML-KEM coefficients are out of range (FIPS 203, section 7.2), or the X25519 key
            is not in canonical form or has small order (RFC 7748, section 6.1).
    """
    if len(public_key) != PUBLIC_KEY_SIZE:
        raise BadInput(f"A public key must be {PUBLIC_KEY_SIZE} bytes long")
    try:
        MLKEM768PublicKey.from_public_bytes(public_key[:MLKEM_SIZE])
    except ValueError as error:
        raise BadInput("The ML-KEM part of the public key is not valid") from error
    u = int.from_bytes(public_key[MLKEM_SIZE:], "little")
    if u >= _FIELD or _has_small_order(u):
        raise BadInput("The X25519 part of the public key is not valid")
    return public_key


def check_signer(signer: bytes) -> bytes:
    """Return the Ed25519 public key if it is canonical and not of small order.

    Whether it is a point of the curve is checked by the first verification of a signature.

    Raises:
        BadInput: it has a wrong length or small order, or is not in canonical form (RFC 8032, section 5.1.3).
    """
    if len(signer) != SIGNER_SIZE:
        raise BadInput(f"A signature key must be {SIGNER_SIZE} bytes long")
    y = int.from_bytes(signer, "little") & (2**255 - 1)  # the top bit is the sign of x
    # y = 1 is the neutral element, which has no image; elsewhere u = (1 + y) / (1 - y), RFC 7748, section 4.1
    if y >= _FIELD or y == 1 or _has_small_order((1 + y) * pow(1 - y, -1, _FIELD) % _FIELD):
        raise BadInput("The signature key is not valid")
    return signer


def _has_small_order(u: int) -> bool:
    point = X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))
    try:
        X25519PrivateKey.from_private_bytes(_PROBE).exchange(point)
    except ValueError:
        return True
    return False
