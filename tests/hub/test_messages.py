"""Messages of a mailbox, the enrolment string, and parcels: their one encoding, and what breaks it."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from tests.link.samples import ALICE, BOB, CASES, NOW
from tuishare.envelope import Damaged, NotForUs, canonical
from tuishare.envelope.hpke import SUITE, load_public_key
from tuishare.envelope.padding import padme
from tuishare.envelope.parcel import MOST_CONTENT, MOST_PARCEL, open_parcel, seal_parcel
from tuishare.errors import BadInput, TuishareError
from tuishare.link.mailbox.enrolment import ENROLMENT_PREFIX, Enrolment, parse_enrolment
from tuishare.link.mailbox.messages import (
    FROM_MEMBER,
    FROM_SENDER,
    MESSAGE_LIMIT,
    OPENING,
    TO_MEMBER,
    TO_SENDER,
    CallerAnnounced,
    Collect,
    Delete,
    Deposit,
    Enrol,
    Full,
    Gone,
    LendPorts,
    MailboxMessage,
    MailboxOpened,
    Notice,
    PortsLent,
    PortsRefused,
    Put,
    Stored,
    Take,
    WantParcel,
    encode_message,
)
from tuishare.link.messages import HEAD_SIZE, Ping
from tuishare.link.statements import decode_canonical

GOLDEN = Path(__file__).parent / "golden"
D, H, M = b"d" * 32, b"h" * 32, b"m" * 16
MESSAGES: tuple[tuple[MailboxMessage, str], ...] = (
    (Enrol(b"t" * 16, H), "enrol"),
    (Collect(H), "collect"),
    (Deposit(M, b"w" * 32), "deposit"),
    (MailboxOpened(M), "opened"),
    (Notice(D, 3_000, NOW), "notice"),
    (Take(D), "take"),
    (Delete(D), "delete"),
    (Gone(D), "gone"),
    (Put(D, 3_000), "put"),
    (WantParcel(D), "want"),
    (Stored(D), "stored"),
    (Full(D, 3_600, "the mailbox is full"), "full"),
    (LendPorts(), "lend"),
    (PortsLent(21_000, 21_001, 21_002, 50_013), "lent"),
    (PortsRefused(600, "this hub lends no ports"), "unlent"),
    (CallerAnnounced(b"s" * 16, "tracker", "192.0.2.7"), "caller"),
    (Ping(), "ping"),
)
DECODERS: dict[msgspec.msgpack.Decoder[Any], set[str]] = {
    OPENING: {"enrol", "collect", "deposit"},
    FROM_MEMBER: {"take", "delete", "lend", "ping"},
    FROM_SENDER: {"put", "ping"},
    TO_MEMBER: {"opened", "notice", "gone", "lent", "unlent", "caller", "ping"},
    TO_SENDER: {"want", "stored", "full", "ping"},
}
STRING = Enrolment(address="hub.example:50012", host_key=ALICE.signer, token=b"t" * 16, end=NOW)


def read_golden(name: str) -> dict[str, str]:
    lines = (GOLDEN / name).read_text().splitlines()
    return dict(line.split(" ") for line in lines)


def private_key(number: int) -> MLKEM768X25519PrivateKey:
    """Of `tests.link.samples`."""
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(bytes([number]) * 64),
        X25519PrivateKey.from_private_bytes(bytes([number]) * 32),
    )


def test_the_first_format_stays_the_same() -> None:
    golden = read_golden("messages.txt")
    assert {name: encode_message(message).hex() for message, name in MESSAGES} == golden
    assert str(STRING) == (GOLDEN / "string.txt").read_text().strip()
    parcel = bytes.fromhex((GOLDEN / "parcel.hex").read_text())
    assert open_parcel(private_key(BOB.number), parcel) == b"a parcel of the first format"


@pytest.mark.parametrize(("message", "name"), MESSAGES, ids=[name for _, name in MESSAGES])
def test_each_message_is_taken_by_those_it_is_for(message: MailboxMessage, name: str) -> None:
    data = encode_message(message)
    assert int.from_bytes(data[:HEAD_SIZE], "big") == len(data) - HEAD_SIZE <= MESSAGE_LIMIT
    for decoder, kinds in DECODERS.items():
        if name in kinds:
            assert decode_canonical(data[HEAD_SIZE:], decoder) == message
        else:
            with pytest.raises(ValueError, match=r"."):
                decode_canonical(data[HEAD_SIZE:], decoder)


@pytest.mark.parametrize(
    "message",
    [
        Put(D, MOST_PARCEL + 1),
        Put(D, 0),
        Put(b"d" * 31, 1),
        Deposit(b"m" * 17, D),
        Full(D, 0, "now"),
        Full(D, 1, "x" * 201),
        Notice(D, 1, -1),
        PortsLent(0, 1, 2, 3),
        PortsLent(1, 2, 3, 65_536),
        PortsRefused(0, "now"),
        CallerAnnounced(b"s" * 15, "link", "192.0.2.7"),
        CallerAnnounced(b"s" * 16, "shell", "192.0.2.7"),  # type: ignore[arg-type]
        CallerAnnounced(b"s" * 16, "link", "x" * 46),
    ],
)
def test_a_field_that_breaks_its_rule_is_not_sent(message: MailboxMessage) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        encode_message(message)


def test_no_bytes_do_more_than_be_refused() -> None:
    chance = random.Random(7)
    bodies = [encode_message(message)[HEAD_SIZE:] for message, _ in MESSAGES]
    for _ in range(CASES):
        data = bytearray(chance.choice(bodies))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            data = bytearray(os.urandom(chance.randint(1, 64)))
        for decoder in DECODERS:
            with contextlib.suppress(ValueError):
                message = decode_canonical(bytes(data), decoder)
                assert canonical.encode(message) == data


def test_a_string_comes_back_and_every_change_is_noticed() -> None:
    text = str(STRING)
    assert parse_enrolment(f"  {text[:40]}\n {text[40:]} ") == STRING
    assert STRING.endpoint.port == 50012
    assert "t" * 8 not in repr(STRING)
    chance = random.Random(5)
    for _ in range(CASES):
        at = chance.randrange(len(text))
        changed = text[:at] + chance.choice("abAB01-_ =") + text[at + 1 :]
        with contextlib.suppress(BadInput):
            assert "".join(changed.split()) in {text, ""} or parse_enrolment(changed) == STRING
    for wrong in ("", "hello", "tuishare-hub-v2:abc", text[:-1], text + "A", "x" * 5_000, ENROLMENT_PREFIX):
        with pytest.raises(BadInput):
            parse_enrolment(wrong)
    broken = Enrolment(address="hub.example:050012", host_key=ALICE.signer, token=b"t" * 16, end=NOW)
    with pytest.raises(BadInput, match="breaks a rule"):
        parse_enrolment(str(broken))


def test_a_parcel_hides_its_size_and_opens_for_its_recipient_alone() -> None:
    """One envelope for several users makes parcels that have nothing in common."""
    public = BOB.card.public_key
    content = os.urandom(16_000)
    one, two = seal_parcel(public, content), seal_parcel(public, content)
    assert one != two
    assert len(one) == len(two) == len(seal_parcel(public, content[:-100])) == 1120 + padme(16_004) + 16
    assert open_parcel(private_key(BOB.number), one) == content
    assert seal_parcel(public, b"") != b""
    with pytest.raises(NotForUs):
        open_parcel(private_key(ALICE.number), one)
    for at in (0, 1_100, 2_000, len(one) - 1):
        changed = one[:at] + bytes([one[at] ^ 1]) + one[at + 1 :]
        with pytest.raises(TuishareError):
            open_parcel(private_key(BOB.number), changed)
    for wrong in (b"", one[:-1], one + b"\0", one[:1136]):
        with pytest.raises(NotForUs):
            open_parcel(private_key(BOB.number), wrong)
    with pytest.raises(ValueError, match="too long"):
        seal_parcel(public, bytes(MOST_CONTENT + 1))
    with pytest.raises(BadInput, match="no usable key"):
        seal_parcel(public[:-32] + bytes(32), content)


@pytest.mark.parametrize("padded", [b"\0\0\0\5abcd", b"\0\0\0\1a\1", b"\0\0\0\1a\0\0\0\0", b"\0"])
def test_padding_that_is_not_ours_is_damaged(padded: bytes) -> None:
    parcel = SUITE.encrypt(padded, load_public_key(BOB.card.public_key), info=b"tuishare/parcel/v1")
    with pytest.raises(Damaged):
        open_parcel(private_key(BOB.number), parcel)
