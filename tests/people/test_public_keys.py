"""Keys that `cryptography` would load but that must not be used."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tuishare.errors import BadInput
from tuishare.people import Identity
from tuishare.people.keys import MLKEM_SIZE, check_public_key, check_signer

P = 2**255 - 19
# The u-coordinates of small order on Curve25519 and its twist, RFC 7748 section 6.1 and
# https://cr.yp.to/ecdh.html
ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
SMALL_U = (0, 1, P - 1, *ORDER_8)
# The same points on edwards25519: y = (u - 1) / (u + 1), RFC 7748 section 4.1
SMALL_Y = (1, P - 1, 0, *((u - 1) * pow(u + 1, -1, P) % P for u in ORDER_8))


def encode(number: int) -> bytes:
    return number.to_bytes(32, "little")


def test_real_keys_pass(alice: Identity) -> None:
    assert check_public_key(alice.public_key) == alice.public_key
    assert check_signer(alice.signer) == alice.signer


@pytest.mark.parametrize("u", [*SMALL_U, *(P + u for u in (0, 1)), P + 9, 2**255 + 9, 2**256 - 1])
def test_small_and_uncanonical_exchange_keys_are_refused(alice: Identity, u: int) -> None:
    with pytest.raises(BadInput, match="X25519"):
        check_public_key(alice.public_key[:MLKEM_SIZE] + encode(u))


@pytest.mark.parametrize("sign", [0, 2**255])
@pytest.mark.parametrize("y", [*SMALL_Y, *(P + y for y in (0, 1)), P + 5, 2**255 - 1])
def test_small_and_uncanonical_signature_keys_are_refused(y: int, sign: int) -> None:
    with pytest.raises(BadInput, match="signature key"):
        check_signer(encode(y + sign))


def test_the_library_alone_takes_a_forgery_by_the_neutral_element() -> None:
    """Why `check_signer` exists: R = neutral element, S = 0 verifies for every message."""
    Ed25519PublicKey.from_public_bytes(encode(1)).verify(encode(1) + encode(0), b"anything")


def test_encapsulation_keys_out_of_range_are_refused(alice: Identity) -> None:
    with pytest.raises(BadInput, match="ML-KEM"):
        check_public_key(b"\xff" * MLKEM_SIZE + alice.public_key[MLKEM_SIZE:])


@pytest.mark.parametrize("size", [0, 1215, 1217])
def test_public_keys_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(BadInput, match="1216 bytes"):
        check_public_key(bytes(size))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_signature_keys_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(BadInput, match="32 bytes"):
        check_signer(bytes(size))
