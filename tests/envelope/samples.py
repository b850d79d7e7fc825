"""Fresh keys and values for the tests of this room."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from tests.envelope.forge import CardSecret, seed
from tuishare.envelope import (
    Announce,
    CardKey,
    CardRecipient,
    KeyRecipient,
    Manifest,
    OpeningKey,
    Recipient,
    Sender,
    ShareId,
    Ticket,
    UserKey,
)

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
MANIFEST = Manifest(
    share_id=ShareId(bytes(range(16))),
    generation=1,
    created=1_790_000_000,
    not_after=None,
    kind="share",
    transport="tls",
    torrent=b"d4:infod6:lengthi1e4:name1:xee",
    root_certificate=b"root certificate",
    contacts=("192.0.2.1:50007", "[2001:db8::1]:50007"),
    announce=(Announce("https://tracker.example/announce/{passkey}", bytes(32)),),
    note="for you",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an identity."""

    private: MLKEM768X25519PrivateKey
    public: bytes
    signing: Ed25519PrivateKey

    @property
    def signer(self) -> bytes:
        return self.signing.public_key().public_bytes_raw()


def new_person() -> Person:
    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    return Person(MLKEM768X25519PrivateKey(mlkem, x25519), public, Ed25519PrivateKey.generate())


def new_ticket(leaf_size: int = 480) -> Ticket:
    return Ticket(
        passkey=secrets.token_bytes(32),
        leaf_certificate=secrets.token_bytes(leaf_size),
        leaf_key=secrets.token_bytes(138),
    )


def new_sender() -> Sender:
    person = new_person()
    return Sender(person.signing, person.public, new_ticket())


def new_card() -> tuple[Recipient, OpeningKey]:
    person = new_person()
    return CardRecipient(person.public, new_ticket()), CardKey(person.private)


def new_key() -> tuple[Recipient, OpeningKey]:
    key = secrets.token_bytes(32)
    return KeyRecipient(key, new_ticket()), UserKey(key)


def vector_key(label: str) -> OpeningKey:
    """The key of a label in the committed vectors, ``card:bob`` or ``key:carol``."""
    kind, _, name = label.partition(":")
    if kind == "key":
        return UserKey(seed(f"{name} user key", 32))
    return CardKey(MLKEM768X25519PrivateKey(CardSecret(name).mlkem, CardSecret(name).x25519))


def with_changes(manifest: Manifest, **changes: object) -> Manifest:
    """The manifest with some fields replaced, of whatever type."""
    return msgspec.structs.replace(manifest, **changes)


def times_as_much(work: Callable[[], object], bare: Callable[[], object], *, rounds: int = 7) -> float:
    """How many times as much of the processor some work takes as other work; by turns, on a busy machine too."""
    least = [float("inf"), float("inf")]
    for _ in range(rounds):
        for number, each in enumerate((work, bare)):
            begun = time.process_time()
            each()
            least[number] = min(least[number], time.process_time() - begun)
    return least[0] / least[1]
