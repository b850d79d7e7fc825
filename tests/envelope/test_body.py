"""The body: bound to slots and signer."""

import hashlib
import secrets

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tuishare.envelope import SLOT_SIZE, Damaged, EnvelopeId, Frame
from tuishare.envelope.body import SMALL_ORDER_SIGNERS, body_size, open_body, seal_body, sign
from tuishare.envelope.derivation import derive_commitment

CONTENT_KEY = secrets.token_bytes(32)
ID = EnvelopeId(secrets.token_bytes(32))
KEY = Ed25519PrivateKey.generate()
PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME


def _frame(manifest_data: bytes, *, signed: bytes | None = None) -> Frame:
    slots = (secrets.token_bytes(SLOT_SIZE),)
    bare = Frame(ID, derive_commitment(CONTENT_KEY, ID), slots, secrets.token_bytes(12), b"")
    signed = signed or sign(KEY, bare.addressed, manifest_data)
    body = seal_body(signed, CONTENT_KEY, ID, bare.addressed, bare.body_iv)
    return Frame(ID, bare.commitment, slots, bare.body_iv, body)


@pytest.mark.parametrize("size", [0, 1, 200, 300, 65_000, 70_000])
def test_what_is_sealed_comes_back_in_the_size_foretold(size: int) -> None:
    manifest_data = secrets.token_bytes(size)
    frame = _frame(manifest_data)
    opened = open_body(frame, CONTENT_KEY)
    assert opened.manifest == manifest_data
    assert opened.signer == KEY.public_key().public_bytes_raw()
    assert len(frame.body) == body_size(manifest_data)


def test_the_size_tells_little_about_the_manifest() -> None:
    assert len({body_size(bytes(size)) for size in range(10_000, 20_000)}) <= 35


def test_another_content_key_or_other_slots_are_damaged() -> None:
    frame = _frame(b"manifest")
    other = Frame(ID, frame.commitment, (secrets.token_bytes(SLOT_SIZE),), frame.body_iv, frame.body)
    with pytest.raises(Damaged):
        open_body(frame, secrets.token_bytes(32))
    with pytest.raises(Damaged):
        open_body(other, CONTENT_KEY)


def test_a_recipient_cannot_address_a_signed_manifest_anew() -> None:
    """He holds the content key, so that encryption alone would not stop him (threat T3)."""
    taken = open_body(_frame(b"manifest"), CONTENT_KEY)
    with pytest.raises(Damaged):
        open_body(_frame(b"", signed=msgspec.msgpack.encode(taken, order="sorted")), CONTENT_KEY)


def test_every_point_of_small_order_is_refused_in_every_encoding() -> None:
    """The eight points are computed from one of order 8, then written reduced and not reduced (RFC 8032, 5.1.3)."""
    points = {_times(order, _order_eight()) for order in range(8)}
    assert len(points) == 8
    encodings = {
        (value | sign << 255).to_bytes(32, "little")
        for _, y in points
        for value in (y, y + PRIME)
        if value < 2**255
        for sign in (0, 1)
    }
    assert encodings == SMALL_ORDER_SIGNERS


def test_without_that_guard_anybody_signs_for_such_a_key() -> None:
    """What the guard is for: one signature which OpenSSL takes for every message."""
    anybody = Ed25519PublicKey.from_public_bytes(b"\x01".ljust(32, b"\0"))
    for message in (b"one", b"another", hashlib.sha512(b"third").digest()):
        anybody.verify(b"\x01".ljust(64, b"\0"), message)


def _add(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = first, second
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def _times(count: int, point: tuple[int, int]) -> tuple[int, int]:
    total = (0, 1)
    for _ in range(count):
        total = _add(total, point)
    return total


def _order_eight() -> tuple[int, int]:
    y = int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    )
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square
    return x, y
