"""Key derivation of TSE1: the labels and HKDF calls.

Owns the labels of the format (SPEC.md, section "Derivations"). It must not encrypt.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_COMMITMENT: Final = b"tuishare/TSE1/commitment"
_BODY: Final = b"tuishare/TSE1/body"
_KEY_SLOT: Final = b"tuishare/TSE1/key-slot"


def derive_commitment(content_key: bytes, envelope_id: bytes) -> bytes:
    """Return 32 public bytes that commit to one content key: AES-GCM alone can decrypt under several keys."""
    return _hkdf(content_key, envelope_id, _COMMITMENT)


def derive_body_key(content_key: bytes, envelope_id: bytes) -> bytes:
    """Return the 32-byte key of the body."""
    return _hkdf(content_key, envelope_id, _BODY)


def derive_slot_key(user_key: bytes, enc: bytes, header: bytes) -> bytes:
    """Return the 32-byte key of a key slot; the salt is the slot's `enc`."""
    return _hkdf(user_key, enc, _KEY_SLOT + header)


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=info).derive(key)
