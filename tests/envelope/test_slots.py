"""Slots: each opens for one key only, and all look alike."""

import secrets
from collections.abc import Callable

import pytest

from tests.envelope.samples import new_card, new_key, new_person, new_ticket
from tuishare.envelope import (
    PUBLIC_KEY_SIZE,
    SLOT_SIZE,
    CardKey,
    CardRecipient,
    KeyRecipient,
    OpeningKey,
    Recipient,
    UserKey,
)
from tuishare.envelope.slots import seal_filler, seal_slot, try_slot
from tuishare.envelope.ticket import encode_ticket, read_slot_plaintext
from tuishare.errors import BadInput

HEADER, CONTENT_KEY = secrets.token_bytes(70), secrets.token_bytes(32)
Maker = Callable[[], tuple[Recipient, OpeningKey]]
CURVE_PRIME, CURVE_A = 2**255 - 19, 486662


def _seal(recipient: Recipient) -> bytes:
    return seal_slot(recipient, CONTENT_KEY, encode_ticket(recipient.ticket), HEADER)


@pytest.mark.parametrize("make", [new_card, new_key], ids=["card", "key"])
class TestEitherKind:
    def test_opens_with_its_key_alone(self, make: Maker) -> None:
        (recipient, key), (_, another_card), (_, another_key) = make(), new_card(), new_key()
        slot = _seal(recipient)
        assert len(slot) == SLOT_SIZE
        plaintext = try_slot(key, slot, HEADER)
        assert plaintext is not None
        assert read_slot_plaintext(plaintext) == (CONTENT_KEY, recipient.ticket)
        assert try_slot(another_card, slot, HEADER) is None
        assert try_slot(another_key, slot, HEADER) is None

    def test_is_bound_to_every_byte_of_the_header(self, make: Maker) -> None:
        recipient, key = make()
        slot = _seal(recipient)
        for at in range(70):
            other = HEADER[:at] + bytes([HEADER[at] ^ 1]) + HEADER[at + 1 :]
            assert try_slot(key, slot, other) is None

    def test_is_another_each_time(self, make: Maker) -> None:
        recipient, _ = make()
        first, second = _seal(recipient), _seal(recipient)
        equal = sum(a == b for a, b in zip(first, second, strict=True))
        assert equal < SLOT_SIZE // 50


def _is_on_curve(point: bytes) -> bool:
    """Tell whether a u-coordinate belongs to Curve25519, as half of all numbers do (RFC 7748, section 4.1)."""
    u = int.from_bytes(point, "little")
    if u >= CURVE_PRIME:
        return False
    square = (u**3 + CURVE_A * u**2 + u) % CURVE_PRIME
    return pow(square, (CURVE_PRIME - 1) // 2, CURVE_PRIME) in {0, 1}


def test_the_point_in_every_kind_of_slot_is_on_the_curve() -> None:
    """Random bytes in place of an encapsulation would be found out by this within a few slots."""
    slots = [_seal(make()[0]) for make in (new_card, new_key) for _ in range(24)]
    slots += [seal_filler(HEADER) for _ in range(24)]
    assert all(_is_on_curve(slot[1088:1120]) for slot in slots)
    assert not all(_is_on_curve(secrets.token_bytes(32)) for _ in range(24))


def test_a_filler_has_the_size_of_a_slot_and_opens_for_nobody() -> None:
    slot = seal_filler(HEADER)
    assert len(slot) == SLOT_SIZE
    assert try_slot(new_card()[1], slot, HEADER) is None
    assert try_slot(new_key()[1], slot, HEADER) is None


@pytest.mark.parametrize("slot", [bytes(SLOT_SIZE), b"\xff" * SLOT_SIZE, bytes(range(256)) * 12])
@pytest.mark.parametrize("key", [CardKey(new_person().private), UserKey(bytes(32))], ids=["card", "key"])
def test_no_hostile_slot_raises(slot: bytes, key: OpeningKey) -> None:
    assert try_slot(key, slot, HEADER) is None


GOOD = new_person().public


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        GOOD[:-1],
        GOOD + b"\0",
        b"\xff" * 1184 + GOOD[1184:],
        GOOD[:1184] + bytes(32),
        GOOD[1184:] + GOOD[:1184],
    ],
    ids=["empty", "short", "long", "not reduced", "small order", "swapped"],
)
def test_a_public_key_that_is_none_is_bad_input(public_key: bytes) -> None:
    assert len(GOOD) == PUBLIC_KEY_SIZE
    with pytest.raises(BadInput):
        _seal(CardRecipient(public_key, new_ticket()))


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_user_key_of_another_size_is_bad_input(size: int) -> None:
    with pytest.raises(BadInput):
        UserKey(bytes(size))
    with pytest.raises(BadInput):
        _seal(KeyRecipient(bytes(size), new_ticket()))


def test_keys_do_not_show_themselves() -> None:
    key = b"secret! " * 4
    assert "secret" not in repr(UserKey(key))
    assert "secret" not in repr(KeyRecipient(key, new_ticket()))
