"""A reader of TSE1 written only from the format's description: plain `cryptography` and MessagePack, nothing of ours.

It is lenient where it can be and knows no limits; what it proves is that what we write is what the description says.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def read(data: bytes, key: MLKEM768X25519PrivateKey | bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Read an envelope with a card's private key or a user key; gives manifest, ticket and signer."""
    assert data[0:4] == b"TSE1"
    count = int.from_bytes(data[4:6], "big")
    end_of_slots = 70 + count * 3072
    slots = [data[at : at + 3072] for at in range(70, end_of_slots, 3072)]
    (plaintext,) = [found for slot in slots if (found := read_slot(slot, key, data[:70])) is not None]
    content_key, size = plaintext[:32], int.from_bytes(plaintext[32:34], "big")
    ticket = msgspec.msgpack.decode(plaintext[34 : 34 + size])
    assert plaintext[34 + size :].strip(b"\0") == b""
    assert hkdf(content_key, data[6:38], b"tuishare/TSE1/commitment") == data[38:70]

    body_iv = data[end_of_slots : end_of_slots + 12]
    length = int.from_bytes(data[end_of_slots + 12 : end_of_slots + 16], "big")
    body = data[end_of_slots + 16 :]
    assert len(body) == length
    body_key = hkdf(content_key, data[6:38], b"tuishare/TSE1/body")
    padded = AESGCM(body_key).decrypt(body_iv, body, data[: end_of_slots + 12])
    size = int.from_bytes(padded[:4], "big")
    assert padded[4 + size :].strip(b"\0") == b""
    signed = msgspec.msgpack.decode(padded[4 : 4 + size])
    message = b"tuishare/TSE1/signature" + hashlib.sha512(data[:end_of_slots]).digest() + signed["manifest"]
    Ed25519PublicKey.from_public_bytes(signed["signer"]).verify(signed["signature"], message)
    return msgspec.msgpack.decode(signed["manifest"]), ticket, signed["signer"]


def read_slot(slot: bytes, key: MLKEM768X25519PrivateKey | bytes, header: bytes) -> bytes | None:
    try:
        if isinstance(key, bytes):
            slot_key = hkdf(key, slot[:1120], b"tuishare/TSE1/key-slot" + header)
            return AESGCM(slot_key).decrypt(slot[1120:1132], slot[1132:], header)
        suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        return suite.decrypt(slot, key, info=b"tuishare/TSE1/slot" + header)
    except InvalidTag:
        return None


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=info).derive(key)
