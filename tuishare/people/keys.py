"""The 256-bit key of a user without a card.

Owns parsing, formatting and generating. Must not know whose key it is, nor put one into a message.
"""

from __future__ import annotations

import re
import secrets

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
