"""Receipts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.samples import ALICE, BOB, CASES, NOW
from tuishare.envelope import canonical
from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.receipt import (
    RECEIPT_LIMIT,
    Receipt,
    format_receipt,
    read_receipts,
    sign_receipt,
    verify_receipt,
)

GOLDEN = Path(__file__).parent / "golden" / "receipt.hex"
COMPLETE = BOB.receipt(state="complete", info_hash=b"i" * 32)


def forge(change: Callable[[dict[str, Any]], object]) -> bytes:
    fields = msgspec.msgpack.decode(msgspec.msgpack.decode(COMPLETE)["statement"])
    change(fields)
    statement = canonical.encode(fields)
    signature = BOB.signing_key.sign(b"tuishare/receipt/v1\0" + statement)
    return canonical.encode({"signature": signature, "statement": statement})


def test_the_first_format_stays_the_same() -> None:
    assert COMPLETE.hex() == GOLDEN.read_text().strip()


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=16, max_size=16),
    st.integers(1, 2**63 - 1),
    st.sampled_from([None, b"v" * 20, b"w" * 32]),
    st.sampled_from(["received", "refused"]),
    st.integers(0, 253_402_300_799),
)
def test_a_receipt_says_what_was_signed(
    digest: bytes, share: bytes, generation: int, info_hash: bytes | None, state: Any, at: int
) -> None:
    receipt = Receipt(
        signer=BOB.signer,
        digest=digest,
        share=share,
        generation=generation,
        info_hash=info_hash,
        state=state,
        at=at,
    )
    data = sign_receipt(BOB.signing_key, receipt)
    assert verify_receipt(data) == receipt
    assert len(data) <= RECEIPT_LIMIT


def test_it_is_signed_by_the_one_it_names_alone() -> None:
    receipt = verify_receipt(COMPLETE)
    with pytest.raises(BadInput):
        sign_receipt(ALICE.signing_key, receipt)
    assert (receipt.signer, receipt.at) == (BOB.signer, NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(signer=ALICE.signer),
        lambda fields: fields.update(signer=bytes(32)),
        lambda fields: fields.update(digest=b"d" * 31),
        lambda fields: fields.update(share=b"s" * 17),
        lambda fields: fields.update(generation=0),
        lambda fields: fields.update(info_hash=b"i" * 21),
        lambda fields: fields.update(info_hash=None),
        lambda fields: fields.update(state="read"),
        lambda fields: fields.update(at=-1),
        lambda fields: fields.pop("at"),
        lambda fields: fields.update(later=b"x" * RECEIPT_LIMIT),
    ],
)
def test_a_broken_rule_is_refused_although_it_is_signed(change: Callable[[dict[str, Any]], object]) -> None:
    assert verify_receipt(forge(lambda fields: fields.update(later=1))) == verify_receipt(COMPLETE)
    with pytest.raises(VerificationFailed):
        verify_receipt(forge(change))


def test_an_address_record_is_no_receipt() -> None:
    with pytest.raises(VerificationFailed):
        verify_receipt(BOB.record())


def test_every_changed_byte_every_cut_and_every_extension_is_refused() -> None:
    data = COMPLETE
    broken = [data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :] for at in range(len(data))]
    for other in (*broken, *(data[:end] for end in range(len(data))), data + b"\0", b"\0" + data):
        with pytest.raises(VerificationFailed):
            verify_receipt(other)


@settings(max_examples=CASES, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationFailed):
        verify_receipt(data)


@settings(max_examples=CASES, deadline=None)
@given(st.lists(st.text(max_size=40) | st.binary(max_size=300).map(format_receipt), max_size=6))
def test_whatever_stands_in_a_file_is_a_receipt_or_none(lines: list[str]) -> None:
    text = "\n".join([*lines, "", "# from bob", format_receipt(COMPLETE)])
    read = read_receipts(text)
    assert read[-1] == verify_receipt(COMPLETE)
    assert all(isinstance(each, VerificationFailed) for each in read[:-1])
    for line in lines:
        if line.strip() and not line.strip().startswith("#") and len(line.splitlines()) == 1:
            assert len(read_receipts(line)) == 1
