"""Messages and frames."""

from __future__ import annotations

import contextlib
import os
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.samples import ALICE, BOB, CAROL, CASES
from tuishare.envelope import canonical
from tuishare.errors import VerificationFailed
from tuishare.link.address_record import read_record
from tuishare.link.introduction import read_introduction
from tuishare.link.invitation_exchange import make_redeem, make_welcome
from tuishare.link.messages import (
    HEAD_SIZE,
    MESSAGE_LIMIT,
    STRANGER_LIMIT,
    AnyMessage,
    ContactMessage,
    Declined,
    Have,
    Hello,
    Introduce,
    IntroducibleRecord,
    IntroductionMessage,
    Later,
    NewRecord,
    NotAdmitted,
    Offer,
    Ping,
    ProblemMessage,
    ReceiptMessage,
    Redeem,
    Taken,
    Want,
    Welcome,
    decode_head,
    decode_invitation_answer,
    decode_message,
    decode_stranger_message,
    encode_content_head,
    encode_message,
)
from tuishare.link.receipt import verify_receipt

D = b"d" * 32
CONTACT: tuple[ContactMessage, ...] = (
    Hello((1,), ALICE.record()),
    NewRecord(ALICE.record(2)),
    IntroducibleRecord(ALICE.record(2)),
    Offer(D, 16_000, b"s" * 16, 3),
    Want(D),
    Have(D),
    Have(D, BOB.receipt()),
    Later(D, 60, "over quota"),
    Declined(D, "removed"),
    Taken(BOB.receipt()),
    ReceiptMessage(BOB.receipt(state="refused")),
    ProblemMessage(b"s" * 16, 3, "no-space"),
    ProblemMessage(b"s" * 16, 1, ""),
    IntroductionMessage(ALICE.introduction(CAROL, BOB)),
    Ping(),
)
REDEEM = make_redeem(ALICE.invitation(), BOB.party)
OPENING: tuple[AnyMessage, ...] = (
    Introduce(ALICE.record()),
    REDEEM,
    make_welcome(ALICE.invitation(), REDEEM, ALICE.party),
    NotAdmitted("used", 1_790_000_000, D),
    NotAdmitted("approval"),
)
GOLDEN: dict[ContactMessage, str] = {
    Want(D): f"0000003482a6646967657374c420{'64' * 32}a46b696e64a477616e74",
    Ping(): "0000000b81a46b696e64a470696e67",
    Later(D, 60, "full"): f"0000004a84a6646967657374c420{'64' * 32}a46b696e64a56c61746572"
    "a6726561736f6ea466756c6ca77365636f6e64733c",
}


def body(message: AnyMessage) -> bytes:
    return encode_message(message)[HEAD_SIZE:]


@pytest.mark.parametrize("message", GOLDEN, ids=lambda message: type(message).__name__)
def test_the_first_format_stays_the_same(message: ContactMessage) -> None:
    assert encode_message(message).hex() == GOLDEN[message]


@pytest.mark.parametrize("message", CONTACT, ids=lambda message: type(message).__name__)
def test_a_message_of_a_contact_comes_back(message: ContactMessage) -> None:
    data = encode_message(message)
    assert decode_head(data[:HEAD_SIZE]) == (False, len(data) - HEAD_SIZE)
    assert decode_message(data[HEAD_SIZE:]) == message


def test_the_messages_that_open_a_link_are_taken_there_alone() -> None:
    introduce, redeem, *answers = OPENING
    for message in (introduce, redeem):
        assert decode_stranger_message(body(message)) == message
    for message in answers:
        assert decode_invitation_answer(body(message)) == message
    for message in OPENING:
        with pytest.raises(ValueError, match=r"."):
            decode_message(body(message))
    for message in (*CONTACT, *answers):
        with pytest.raises(ValueError, match=r"."):
            decode_stranger_message(body(message))
    for message in (*CONTACT, introduce, redeem):
        with pytest.raises(ValueError, match=r"."):
            decode_invitation_answer(body(message))


def test_the_largest_message_of_a_stranger_fits() -> None:
    assert len(body(Redeem(b"i" * 16, b"c" * 1568, b"r" * 2048, b"m" * 32))) <= STRANGER_LIMIT
    assert len(body(Welcome(b"c" * 1568, b"r" * 2048, b"m" * 32))) <= STRANGER_LIMIT


def test_an_unknown_message_is_ignored_when_it_is_well_formed() -> None:
    assert decode_message(canonical.encode({"kind": "pause", "for": [1, {"a": None}]})) is None
    for odd in (
        {"kind": "Pause"},
        {"kind": ""},
        {"kind": "x" * 33},
        {"kind": 1},
        {"type": "ping"},
        {"kind": "pause", "at": 1.5},
        ["ping"],
    ):
        with pytest.raises(ValueError, match=r"."):
            decode_message(canonical.encode(odd))


def test_hello_alone_may_grow() -> None:
    fields = msgspec.msgpack.decode(body(CONTACT[0])) | {"later": 1}
    assert decode_message(canonical.encode(fields)) == CONTACT[0]
    for message in CONTACT[1:]:
        with pytest.raises(ValueError, match="later"):
            decode_message(canonical.encode(msgspec.msgpack.decode(body(message)) | {"later": 1}))


@pytest.mark.parametrize(
    "message",
    [
        Hello((), b"r"),
        Hello((0,), b"r"),
        Hello((1,) * 17, b"r"),
        Hello((1,), b""),
        Hello((1,), b"r" * 2049),
        Offer(D[1:], 1, b"s" * 16, 1),
        Offer(D, 0, b"s" * 16, 1),
        Offer(D, 32 * 1024 * 1024 + 1, b"s" * 16, 1),
        Offer(D, 1, b"s" * 15, 1),
        Offer(D, 1, b"s" * 16, 0),
        Offer(D, 1, b"s" * 16, 2**63),
        Want(b""),
        Later(D, 0, ""),
        Later(D, 7 * 86_400 + 1, ""),
        Later(D, 1, "x" * 201),
        Declined(D, "x" * 201),
        Taken(b""),
        Taken(b"r" * 513),
        Have(D, b""),
        ProblemMessage(b"s" * 15, 1, ""),
        ProblemMessage(b"s" * 16, 0, ""),
        ProblemMessage(b"s" * 16, 1, "/home/bob"),
        ProblemMessage(b"s" * 16, 1, "x" * 33),
        IntroductionMessage(b""),
        IntroductionMessage(b"i" * 5121),
        Introduce(b""),
        Redeem(b"i" * 15, b"c", b"r", b"m" * 32),
        Redeem(b"i" * 16, b"c" * 1569, b"r", b"m" * 32),
        Welcome(b"c", b"r", b"m" * 31),
    ],
)
def test_a_broken_rule_is_neither_written_nor_read(message: AnyMessage) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode_message(message)
    data = canonical.encode(message)
    for decode in (decode_message, decode_stranger_message, decode_invitation_answer):
        with pytest.raises(ValueError, match=r"."):
            decode(data)


@pytest.mark.parametrize("size", [0, MESSAGE_LIMIT + 1, 2**31 - 1])
@pytest.mark.parametrize("flag", [0, 1 << 31])
def test_frames_of_other_sizes_are_refused(size: int, flag: int) -> None:
    with pytest.raises(ValueError, match="size"):
        decode_head((size | flag).to_bytes(4, "big"))
    with pytest.raises(ValueError, match="size"):
        decode_head((STRANGER_LIMIT + 1).to_bytes(4, "big"), STRANGER_LIMIT)


@given(st.integers(1, MESSAGE_LIMIT))
def test_content_and_messages_are_told_apart(size: int) -> None:
    assert decode_head(encode_content_head(size)) == (True, size)
    assert decode_head(size.to_bytes(4, "big")) == (False, size)


def test_a_long_message_is_refused_before_it_is_read() -> None:
    for decode in (decode_message, decode_stranger_message, decode_invitation_answer):
        with pytest.raises(ValueError, match="too long"):
            decode(bytes(MESSAGE_LIMIT + 1))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=8)
    | st.binary(max_size=33),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from([str(message.__struct_config__.tag) for message in (*CONTACT, *OPENING)])
FIELDS = st.sampled_from(
    ["digest", "size", "share", "generation", "record", "receipt", "introduction", "reason", "code"]
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Bytes of a real message with some of them changed, cut out or put in."""
    data = bytearray(body(draw(st.sampled_from([*CONTACT, *OPENING]))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        match draw(st.sampled_from("rid")):
            case "r" if data:
                data[at] = draw(st.integers(0, 255))
            case "i":
                data[at:at] = draw(st.binary(min_size=1, max_size=5))
            case _:
                del data[at : at + draw(st.integers(1, 40))]
    return bytes(data)


@settings(max_examples=CASES, deadline=None)
@given(
    st.binary(max_size=200)
    | changed()
    | st.builds(
        lambda kind, fields: canonical.encode({**fields, "kind": kind}),
        KINDS,
        st.dictionaries(FIELDS, VALUES, max_size=4),
    )
)
def test_whatever_comes_is_a_message_or_a_value_error(data: bytes) -> None:
    for decode in (decode_message, decode_stranger_message, decode_invitation_answer):
        try:
            message = decode(data)
        except ValueError:
            continue
        if message is not None and not isinstance(message, Hello):  # which may hold more than we know
            assert body(message) == data


def mangle(data: bytes, chance: random.Random) -> bytes:
    """Change, cut or repeat some of a message; faster than hypothesis, for many inputs."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                changed[at:at] = chance.randbytes(chance.randint(1, 4))
            case 2:
                del changed[at : at + chance.randint(1, 40)]
            case _:
                changed[at:at] = changed[: chance.randint(0, 60)]
    return bytes(changed)


def test_no_changed_message_is_anything_but_a_message_or_a_value_error() -> None:
    """And no changed record, receipt or introduction is taken."""
    chance = random.Random(7)
    bodies = [body(message) for message in (*CONTACT, *OPENING)]
    record, receipt, introduction = ALICE.record(), BOB.receipt(), ALICE.introduction(CAROL, BOB)
    for _ in range(CASES * 40):
        data = mangle(chance.choice(bodies), chance)
        for decode in (decode_message, decode_stranger_message, decode_invitation_answer):
            with contextlib.suppress(ValueError):
                decode(data)
        for read, signed in (
            (read_record, record),
            (verify_receipt, receipt),
            (read_introduction, introduction),
        ):
            data = mangle(signed, chance)
            with contextlib.suppress(VerificationFailed):
                read(data)
                assert data == signed


def test_noise_is_refused() -> None:
    for _ in range(200):
        with pytest.raises(ValueError, match=r"."):
            decode_stranger_message(os.urandom(64))
