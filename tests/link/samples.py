"""Two people with fixed keys, and one of everything that they sign."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tuishare.link.address_record import sign_record
from tuishare.link.introduction import sign_introduction
from tuishare.link.invitation import Invitation, Party, make_invitation
from tuishare.link.link_key import LinkKey
from tuishare.link.receipt import Receipt, ReceiptState, sign_receipt
from tuishare.net.endpoints import Endpoint
from tuishare.people.cards import Card, card_statement, encode_card

CASES: Final = int(os.environ.get("TUISHARE_LINK_CASES", "300"))
"""Inputs of each fuzz test; a long run has tens of thousands."""
NOW: Final = 1_790_000_000
ADDRESSES: Final = (Endpoint("192.0.2.7", 50009), Endpoint("2001:db8::7", 50009))


@dataclass(frozen=True)
class Person:
    name: str
    number: int

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes([self.number]) * 32)

    @property
    def signer(self) -> bytes:
        return self.signing_key.public_key().public_bytes_raw()

    @property
    def link_key(self) -> LinkKey:
        return LinkKey.from_seed(bytes([self.number + 100]) * 32)

    @property
    def card(self) -> Card:
        mlkem = MLKEM768PrivateKey.from_seed_bytes(bytes([self.number]) * 64).public_key().public_bytes_raw()
        x25519 = X25519PrivateKey.from_private_bytes(bytes([self.number]) * 32).public_key()
        public_key = mlkem + x25519.public_bytes_raw()
        signature = self.signing_key.sign(card_statement(self.name, public_key, self.signer))
        return Card(self.name, public_key, self.signer, signature)

    def record(self, sequence: int = 1, *addresses: Endpoint, link_key: bytes = b"") -> bytes:
        return sign_record(
            self.signing_key,
            link_key=link_key or self.link_key.public_key,
            sequence=sequence,
            issued=NOW,
            addresses=addresses or ADDRESSES,
        )

    def receipt(
        self,
        digest: bytes = b"d" * 32,
        share: bytes = b"s" * 16,
        generation: int = 1,
        state: ReceiptState = "received",
        info_hash: bytes | None = None,
    ) -> bytes:
        return sign_receipt(
            self.signing_key,
            Receipt(
                signer=self.signer,
                digest=digest,
                share=share,
                generation=generation,
                info_hash=info_hash,
                state=state,
                at=NOW,
            ),
        )

    def introduction(
        self, of: Person, to: Person, *, sequence: int = 1, group: str = "crew", record: bytes | None = None
    ) -> bytes:
        return sign_introduction(
            self.signing_key,
            of.card,
            recipient=to.signer,
            sequence=sequence,
            at=NOW,
            group=group,
            record=of.record() if record is None else record,
        )

    def invitation(self, *addresses: Endpoint, token: bytes = b"t" * 16, uses: int = 1) -> Invitation:
        return make_invitation(
            signer=self.signer,
            link_key=self.link_key.public_key,
            addresses=addresses or ADDRESSES,
            token=token,
            end=NOW + 86_400,
            uses=uses,
        )

    @property
    def party(self) -> Party:
        return Party(encode_card(self.card), self.record())


ALICE: Final = Person("alice", 1)


@dataclass(frozen=True)
class Thief(Person):
    """One who puts Alice's key to receive into a card of their own."""

    @property
    def card(self) -> Card:
        statement = card_statement(self.name, ALICE.card.public_key, self.signer)
        return Card(self.name, ALICE.card.public_key, self.signer, self.signing_key.sign(statement))


BOB: Final = Person("bob", 2)
CAROL: Final = Person("carol", 4)
MALLORY: Final = Person("mallory", 3)
