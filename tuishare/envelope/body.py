"""The body: the manifest, signed and encrypted with the content key.

Owns signature and body encryption (SPEC.md, sections "Body" and "Signature"). It must not decide whom to trust: it
verifies that the holder of `signer` wrote this manifest for these slots, not who that is.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta

from tuishare.envelope import canonical, padding
from tuishare.envelope.derivation import derive_body_key
from tuishare.envelope.errors import Damaged
from tuishare.envelope.frame import TAG_SIZE, Frame

_SIGNATURE: Final = b"tuishare/TSE1/signature"
_LENGTH_SIZE: Final = 4

SMALL_ORDER_SIGNERS: Final = frozenset(
    bytes([*point[:31], point[31] | sign])
    for point in map(
        bytes.fromhex,
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ),
    )
    for sign in (0x00, 0x80)
)
"""Encodings of Ed25519 points of order 1, 2, 4 and 8; for such keys OpenSSL accepts forged signatures."""


class SignedManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the body, exactly these fields: any other would not be signed.

    Attributes:
        signer: 32 bytes, the sender's Ed25519 public key (RFC 8032).
        manifest: the encoded manifest, exactly as signed; after decoding, a view of the plaintext.
        signature: 64 bytes over slots and manifest.
    """

    signer: Annotated[bytes, Meta(min_length=32, max_length=32)]
    manifest: memoryview
    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]


_DECODER: Final = msgspec.msgpack.Decoder(SignedManifest)
_BEFORE: Final = b"\x83\xa8manifest"
"""The first bytes of the content: a map of three entries with this first key."""


def body_size(manifest_data: bytes) -> int:
    """Return the size in bytes of the body ciphertext for this manifest."""
    return padding.padme(_LENGTH_SIZE + len(_encode_signed(bytes(32), manifest_data, bytes(64)))) + TAG_SIZE


def sign(key: Ed25519PrivateKey, addressed: bytes, manifest_data: bytes) -> bytes:
    """Sign a manifest for these slots and encode both, ready for `seal_body`.

    Args:
        key: the sender's.
        addressed: every byte of the envelope up to the end of the slots.
        manifest_data: the encoded manifest.
    """
    signature = key.sign(_signed_bytes(addressed, manifest_data))
    return _encode_signed(key.public_key().public_bytes_raw(), manifest_data, signature)


def seal_body(signed: bytes, content_key: bytes, envelope_id: bytes, addressed: bytes, iv: bytes) -> bytes:
    """Pad and encrypt the result of `sign`; all preceding bytes but the length are associated data."""
    plaintext = padding.pad(signed, _LENGTH_SIZE, padding.padme(_LENGTH_SIZE + len(signed)))
    return AESGCM(derive_body_key(content_key, envelope_id)).encrypt(iv, plaintext, addressed + iv)


def open_body(frame: Frame, content_key: bytes) -> SignedManifest:
    """Decrypt a body and verify its signature.

    Raises:
        Damaged: tag, padding, encoding or signature is invalid.
    """
    addressed = frame.addressed
    try:
        cipher = AESGCM(derive_body_key(content_key, frame.envelope_id))
        signed = _read_plaintext(cipher.decrypt(frame.body_iv, frame.body, addressed + frame.body_iv))
        _verify(signed, addressed)
    except (InvalidTag, InvalidSignature, ValueError) as error:
        raise Damaged from error
    return signed


def _read_plaintext(plaintext: bytes) -> SignedManifest:
    data = padding.unpad(plaintext, _LENGTH_SIZE)
    if len(plaintext) != padding.padme(_LENGTH_SIZE + len(data)):
        raise ValueError("padded to another size than Padmé's")
    signed = _DECODER.decode(data)
    if not _is_canonical(data, signed):
        raise ValueError("not the canonical encoding")
    return signed


def _is_canonical(data: memoryview, signed: SignedManifest) -> bool:
    """Whether encoding these fields again would give the same bytes; checked without copying the manifest.

    The manifest is the first field, and the bytes after it do not depend on it.
    """
    size = len(signed.manifest)
    head = _BEFORE + _binary_head(size)
    empty = _BEFORE + _binary_head(0)
    tail = _encode_signed(signed.signer, b"", signed.signature)[len(empty) :]
    return (
        len(data) == len(head) + size + len(tail)
        and data[: len(head)] == head
        and data[len(head) + size :] == tail
    )


def _binary_head(size: int) -> bytes:
    """Return MessagePack's shortest prefix of a byte string of this size (bin 8, bin 16, bin 32)."""
    for mark, width in ((b"\xc4", 1), (b"\xc5", 2)):
        if size < 1 << 8 * width:
            return mark + size.to_bytes(width, "big")
    return b"\xc6" + size.to_bytes(4, "big")


def _verify(signed: SignedManifest, addressed: bytes) -> None:
    if signed.signer in SMALL_ORDER_SIGNERS:
        raise InvalidSignature
    public_key = Ed25519PublicKey.from_public_bytes(signed.signer)
    public_key.verify(signed.signature, _signed_bytes(addressed, signed.manifest))


def _signed_bytes(addressed: bytes, manifest_data: bytes | memoryview) -> bytes:
    return b"".join((_SIGNATURE, hashlib.sha512(addressed).digest(), manifest_data))


def _encode_signed(signer: bytes, manifest_data: bytes, signature: bytes) -> bytes:
    return canonical.encode(SignedManifest(signer, memoryview(manifest_data), signature))
