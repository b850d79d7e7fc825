"""Signed statements: what no other test of a format reaches."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.link.samples import ALICE
from tuishare.envelope import canonical
from tuishare.errors import VerificationFailed
from tuishare.link.address_record import read_record
from tuishare.link.receipt import verify_receipt

NEUTRAL = b"\1" + bytes(31)
"""The neutral element as a key: one fixed signature fits every message, and OpenSSL takes it."""
FIXED = NEUTRAL + bytes(32)


def sign_for_anyone(fields: dict[str, object]) -> bytes:
    return canonical.encode(
        {"signature": FIXED, "statement": canonical.encode({**fields, "signer": NEUTRAL})}
    )


def test_a_key_for_which_anyone_can_sign_signs_nothing() -> None:
    Ed25519PublicKey.from_public_bytes(NEUTRAL).verify(
        FIXED, b"whatever"
    )  # so something has to be done about it
    record = {"link_key": ALICE.link_key.public_key, "sequence": 1, "issued": 1, "addresses": [], "hub": None}
    with pytest.raises(VerificationFailed):
        read_record(sign_for_anyone(record))
    receipt = {"digest": b"d" * 32, "share": b"s" * 16, "generation": 1, "info_hash": None, "at": 1}
    with pytest.raises(VerificationFailed):
        verify_receipt(sign_for_anyone({**receipt, "state": "received"}))
