"""Introductions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.samples import ALICE, BOB, CAROL, CASES, MALLORY, NOW
from tuishare.envelope import canonical
from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.address_record import RECORD_LIMIT
from tuishare.link.introduction import INTRODUCTION_LIMIT, read_introduction, sign_introduction
from tuishare.link.statements import SignedStatement
from tuishare.people.cards import CARD_LIMIT, encode_card

GOLDEN = Path(__file__).parent / "golden" / "introduction.hex"
DOMAIN = b"tuishare/introduction/v1\0"


def forge(change: Callable[[dict[str, Any]], object], domain: bytes = DOMAIN) -> bytes:
    """Change an introduction and sign it as its signer would."""
    fields = msgspec.msgpack.decode(msgspec.msgpack.decode(ALICE.introduction(CAROL, BOB))["statement"])
    change(fields)
    statement = canonical.encode(fields)
    return canonical.encode({"signature": ALICE.signing_key.sign(domain + statement), "statement": statement})


def test_the_first_format_stays_the_same() -> None:
    assert ALICE.introduction(CAROL, BOB, sequence=7).hex() == GOLDEN.read_text().strip()


def test_an_introduction_says_what_was_signed() -> None:
    read = read_introduction(ALICE.introduction(CAROL, BOB, sequence=7))
    assert (read.signer, read.recipient, read.sequence) == (ALICE.signer, BOB.signer, 7)
    assert (read.at, read.group, read.read_card()) == (NOW, "crew", CAROL.card)
    record = read.read_record()
    assert record is not None
    assert record.signer == CAROL.signer
    assert read_introduction(ALICE.introduction(CAROL, BOB, record=b"")).read_record() is None


def test_the_longest_one_fits() -> None:
    largest = {
        "card": b"c" * CARD_LIMIT,
        "record": b"r" * RECORD_LIMIT,
        "group": "\N{GRINNING FACE}" * 63,
        "sequence": 2**63 - 1,
        "at": 253_402_300_799,
    }
    data = forge(lambda fields: fields.update(largest))
    assert len(data) <= 4_100 < INTRODUCTION_LIMIT
    assert read_introduction(data).group == largest["group"]


def test_fields_of_a_later_version_are_ignored() -> None:
    assert read_introduction(forge(lambda fields: fields.update(later=[1]))).read_card() == CAROL.card


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(signer=BOB.signer),
        lambda fields: fields.update(signer=bytes(32)),
        lambda fields: fields.update(recipient=b"r" * 31),
        lambda fields: fields.update(sequence=0),
        lambda fields: fields.update(sequence=2**63),
        lambda fields: fields.update(at=-1),
        lambda fields: fields.update(group="@crew"),
        lambda fields: fields.update(group="cr\x1bew"),
        lambda fields: fields.update(group="crew "),
        lambda fields: fields.update(group="x" * 65),
        lambda fields: fields.update(group="e\N{COMBINING ACUTE ACCENT}"),
        lambda fields: fields.update(card=b""),
        lambda fields: fields.update(card=b"c" * (CARD_LIMIT + 1)),
        lambda fields: fields.update(record=b"r" * (RECORD_LIMIT + 1)),
        lambda fields: fields.update(record=None),
        lambda fields: fields.pop("record"),
        lambda fields: fields.pop("recipient"),
        lambda fields: fields.update(later=b"x" * INTRODUCTION_LIMIT),
        lambda fields: fields.update(later=1.0),
    ],
)
def test_a_broken_rule_is_refused_although_it_is_signed(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(VerificationFailed):
        read_introduction(forge(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(card=b"c" * 1400),
        lambda fields: fields.update(card=fields["card"][:-1]),
        lambda fields: fields.update(card=fields["card"] + b"\0"),
        lambda fields: fields.update(card=fields["card"][:-1] + b"\0"),
        lambda fields: fields.update(card=encode_card(ALICE.card)),
        lambda fields: fields.update(card=b"\x04c\x1b[m" + fields["card"][6:]),
        lambda fields: fields.update(record=b"r"),
        lambda fields: fields.update(record=MALLORY.record()),
        lambda fields: fields.update(record=fields["record"][:-1] + b"\0"),
    ],
)
def test_the_introducer_vouches_for_a_card_and_record_that_break_a_rule(
    change: Callable[[dict[str, Any]], object],
) -> None:
    read = read_introduction(forge(change))
    with pytest.raises((BadInput, VerificationFailed)):
        (read.read_card(), read.read_record())


@pytest.mark.parametrize("changes", [{"group": "@crew"}, {"sequence": 0}, {"record": MALLORY.record()}])
def test_what_no_reader_takes_is_not_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        ALICE.introduction(CAROL, BOB, **changes)
    with pytest.raises(BadInput):
        sign_introduction(ALICE.signing_key, ALICE.card, recipient=BOB.signer, sequence=1, at=NOW)


def test_a_signature_under_another_domain_is_refused() -> None:
    assert read_introduction(forge(lambda _: None)).read_card() == CAROL.card
    for domain in (b"", DOMAIN[:-1], b"tuishare/address-record/v1\0", DOMAIN.replace(b"1", b"2")):
        with pytest.raises(VerificationFailed):
            read_introduction(forge(lambda _: None, domain))


def test_changed_bytes_cuts_and_extensions_are_refused() -> None:
    data = ALICE.introduction(CAROL, BOB)
    places = [*range(120), *range(120, len(data), 17), len(data) - 1]
    broken = [data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :] for at in places]
    for other in (*broken, *(data[:end] for end in places), data + b"\0", b"\0" + data):
        with pytest.raises(VerificationFailed):
            read_introduction(other)


SIGNED = st.builds(
    lambda changes: forge(lambda fields: fields.update(changes)),
    st.fixed_dictionaries(
        {},
        optional={
            "card": st.binary(max_size=1600),
            "record": st.binary(max_size=200),
            "group": st.text(max_size=70),
            "sequence": st.integers(-1, 2**63),
            "recipient": st.binary(min_size=31, max_size=33),
            "at": st.integers(-1, 2**40),
        },
    ),
)


@settings(max_examples=CASES, deadline=None)
@given(
    st.binary(max_size=400)
    | SIGNED
    | st.builds(lambda data: canonical.encode(SignedStatement(b"s" * 64, data)), st.binary(max_size=200))
)
def test_whatever_comes_is_an_introduction_or_one_sentence(data: bytes) -> None:
    with contextlib.suppress(VerificationFailed, BadInput):
        read = read_introduction(data)
        read.read_card()
        read.read_record()
