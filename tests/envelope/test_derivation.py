"""HKDF with the labels of the specification, against HMAC by hand."""

from tests.envelope.forge import hkdf, seed
from tuishare.envelope.derivation import derive_body_key, derive_commitment, derive_slot_key

KEY, ID, ENC, HEADER = seed("key", 32), seed("id", 32), seed("enc", 1120), seed("header", 70)


def test_labels_are_those_of_the_specification() -> None:
    assert derive_commitment(KEY, ID) == hkdf(KEY, ID, b"tuishare/TSE1/commitment")
    assert derive_body_key(KEY, ID) == hkdf(KEY, ID, b"tuishare/TSE1/body")
    assert derive_slot_key(KEY, ENC, HEADER) == hkdf(KEY, ENC, b"tuishare/TSE1/key-slot" + HEADER)


def test_known_answers() -> None:
    assert derive_commitment(bytes(32), bytes(32)).hex() == (
        "a08f9b6ef9b3331305647ec11754b3fb63de43d99e2317bbe5030eb609736b8c"
    )
    assert derive_body_key(bytes(32), bytes(32)).hex() == (
        "4b88ad762acc16a02c7ca2add1e41a18d38726ed10cf2c1e67a60ce4ffc4b16e"
    )
