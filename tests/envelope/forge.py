"""A second, deterministic sealer of TSE1 that can break one rule at a time.

Written from SPEC.md with hashes, AES-GCM, X25519, ML-KEM and Ed25519 alone: HPKE's key schedule (RFC 9180, section 5.1)
and the X-Wing combiner are done here by hand, and nothing is imported from `tuishare`. Only the encapsulations are not
computed, since no library takes the randomness for one: they were drawn once and are committed with the vectors.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VECTORS = Path(__file__).parent.parent / "vectors" / "envelope"
SLOT = 3072


def seed(label: str, size: int) -> bytes:
    """Bytes that stand for a random draw, the same at each run."""
    return hashlib.shake_256(b"tuishare test vector: " + label.encode()).digest(size)


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """The data with the one place that reads `old` changed."""
    assert data.count(old) == 1
    return data.replace(old, new)


@dataclass(frozen=True, slots=True)
class CardSecret:
    """The private half of a test card."""

    label: str

    @property
    def mlkem(self) -> MLKEM768PrivateKey:
        return MLKEM768PrivateKey.from_seed_bytes(seed(f"{self.label} ML-KEM-768", 64))

    @property
    def x25519(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(seed(f"{self.label} X25519", 32))

    @property
    def public(self) -> bytes:
        return self.mlkem.public_key().public_bytes_raw() + self.x25519.public_key().public_bytes_raw()

    def decapsulate(self, enc: bytes) -> bytes:
        """X-Wing (draft-connolly-cfrg-xwing-kem, section 5.3)."""
        ours = self.x25519.public_key().public_bytes_raw()
        lattice = self.mlkem.decapsulate(enc[:1088])
        curve = self.x25519.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
        return hashlib.sha3_256(lattice + curve + enc[1088:] + ours + bytes.fromhex("5c2e2f2f5e5c")).digest()


@cache
def encapsulations(label: str) -> tuple[bytes, ...]:
    pool: dict[str, list[str]] = json.loads((VECTORS / "encapsulations.json").read_text())
    return tuple(map(bytes.fromhex, pool[label]))


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 for 32 bytes (RFC 5869)."""
    return _expand(hmac.digest(salt, key, "sha256"), info, 32)


def _expand(secret: bytes, info: bytes, size: int) -> bytes:
    return hmac.digest(secret, info + b"\x01", "sha256")[:size]


def hpke_key(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of HPKE base mode for X-Wing (0x647a), HKDF-SHA-256 (1), AES-256-GCM (2)."""
    suite = b"HPKE\x64\x7a\x00\x01\x00\x02"

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + ikm, "sha256")

    def expand(secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
        return _expand(secret, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context, size)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)


def pack(value: object) -> bytes:
    """Canonical MessagePack."""
    return msgspec.msgpack.encode(value, order="sorted")


def pack_in_order(**fields: object) -> bytes:
    """MessagePack with the keys in the order given."""
    return msgspec.msgpack.encode(fields)


def padme(size: int) -> int:
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-size // step) * step


TICKET = {"passkey": seed("passkey", 32), "leaf_certificate": b"leaf certificate", "leaf_key": b"leaf key"}
MANIFEST: dict[str, object] = {
    "share_id": seed("share", 16),
    "generation": 3,
    "created": 1_790_000_000,
    "not_after": None,
    "kind": "share",
    "transport": "tls",
    "torrent": b"d4:infod6:lengthi1e4:name1:xee",
    "root_certificate": b"root certificate",
    "contacts": ["192.0.2.1:50007"],
    "announce": [{"url": "https://tracker.example/announce/{passkey}", "pin": seed("pin", 32)}],
    "note": "for you",
}
CONTENT_KEY = seed("content key", 32)
ENVELOPE_ID = seed("envelope id", 32)
BODY_IV = seed("body iv", 12)
SIGNER = Ed25519PrivateKey.from_private_bytes(seed("alice Ed25519", 32))
SIGNER_PUBLIC = SIGNER.public_key().public_bytes_raw()

Change = Callable[[bytes], bytes]


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    """The data with some bits of one byte turned."""
    changed = bytearray(data)
    changed[at] ^= bits
    return bytes(changed)


def as_is(data: bytes) -> bytes:
    return data


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot, and how it departs from the rules.

    Attributes:
        who: label of the card or user key it is for; ``nobody`` for a filler.
        pool: which of the committed encapsulations to that label.
        label: domain string in info.
        bound_to: what replaces the header in info, and for a key slot in the associated data.
        plain: changes the plaintext; its size stays.
        sealed: changes the finished slot.
    """

    who: str = "bob"
    kind: Literal["card", "key"] = "card"
    pool: int = 0
    content_key: bytes = CONTENT_KEY
    ticket: bytes = field(default_factory=lambda: pack(TICKET))
    label: bytes | None = None
    bound_to: Change = as_is
    associated: Change = as_is
    plain: Change = as_is
    sealed: Change = as_is

    def seal(self, header: bytes) -> bytes:
        return self.sealed(self._seal_to_card(header) if self.kind == "card" else self._seal_to_key(header))

    def _plaintext(self, size: int) -> bytes:
        message = self.content_key + len(self.ticket).to_bytes(2, "big") + self.ticket
        return self.plain(message.ljust(size, b"\0"))

    def _seal_to_card(self, header: bytes) -> bytes:
        enc = encapsulations(self.who)[self.pool]
        info = (self.label or b"tuishare/TSE1/slot") + self.bound_to(header)
        key, nonce = hpke_key(CardSecret(self.who).decapsulate(enc), info)
        return enc + AESGCM(key).encrypt(nonce, self._plaintext(1936), self.associated(b""))

    def _seal_to_key(self, header: bytes) -> bytes:
        enc = encapsulations("nobody")[self.pool]
        iv = seed("slot iv", 12)
        info = (self.label or b"tuishare/TSE1/key-slot") + self.bound_to(header)
        key = hkdf(seed(f"{self.who} user key", 32), enc, info)
        return enc + iv + AESGCM(key).encrypt(iv, self._plaintext(1924), self.associated(header))


@dataclass(frozen=True, slots=True)
class Forgery:
    """One envelope, and how it departs from the rules; the steps are those of SPEC.md in their order."""

    slots: tuple[Slot, ...] = (Slot(),)
    count: int | None = None
    content_key: bytes = CONTENT_KEY
    commitment: bytes | None = None
    manifest: bytes = field(default_factory=lambda: pack(MANIFEST))
    signer: Ed25519PrivateKey = SIGNER
    signed_bytes: Callable[[bytes, bytes], bytes] | None = None
    signature: Change = as_is
    signed: Change = as_is
    inner_length: int | None = None
    padded_to: Callable[[int], int] = padme
    plaintext: Change = as_is
    body_key: bytes | None = None
    associated: Change = as_is
    body: Change = as_is
    length: int | None = None
    whole: Change = as_is

    def to_bytes(self) -> bytes:
        addressed = self._addressed()
        key = self.body_key or hkdf(self.content_key, ENVELOPE_ID, b"tuishare/TSE1/body")
        associated = self.associated(addressed + BODY_IV)
        body = self.body(AESGCM(key).encrypt(BODY_IV, self._body_plaintext(addressed), associated))
        length = len(body) if self.length is None else self.length
        return self.whole(addressed + BODY_IV + length.to_bytes(4, "big") + body)

    def _addressed(self) -> bytes:
        commitment = self.commitment or hkdf(self.content_key, ENVELOPE_ID, b"tuishare/TSE1/commitment")
        count = len(self.slots) if self.count is None else self.count
        header = b"TSE1" + count.to_bytes(2, "big") + ENVELOPE_ID + commitment
        return header + b"".join(slot.seal(header) for slot in self.slots)

    def _body_plaintext(self, addressed: bytes) -> bytes:
        to_sign = (self.signed_bytes or signed_bytes)(addressed, self.manifest)
        signature = self.signature(self.signer.sign(to_sign))
        signer = self.signer.public_key().public_bytes_raw()
        signed = self.signed(pack({"signer": signer, "manifest": self.manifest, "signature": signature}))
        length = len(signed) if self.inner_length is None else self.inner_length
        message = length.to_bytes(4, "big") + signed
        return self.plaintext(message.ljust(self.padded_to(len(message)), b"\0"))


def signed_bytes(addressed: bytes, manifest: bytes) -> bytes:
    return b"tuishare/TSE1/signature" + hashlib.sha512(addressed).digest() + manifest
