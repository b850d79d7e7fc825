"""Letters: what stands in a parcel."""

from __future__ import annotations

import contextlib
import random

import pytest

from tests.link.samples import ALICE, BOB, CASES
from tuishare.envelope.parcel import MOST_CONTENT
from tuishare.errors import VerificationFailed
from tuishare.link.mailbox.letter import Letter, OpenedLetter, read_letter, write_letter
from tuishare.link.messages import MOST_CONTENT as MOST_ENVELOPE
from tuishare.link.messages import Offer
from tuishare.link.receipt import RECEIPT_LIMIT

ENVELOPE = b"envelope" * 100
OFFER = Offer(b"d" * 32, len(ENVELOPE), b"s" * 16, 3)
LETTER = Letter(
    signer=ALICE.signer,
    recipient=BOB.signer,
    record=ALICE.record(),
    receipts=(ALICE.receipt(), ALICE.receipt(state="refused")),
    offer=OFFER,
)


def test_a_letter_comes_back() -> None:
    content = write_letter(ALICE.signing_key, LETTER, ENVELOPE)
    assert read_letter(content) == OpenedLetter(LETTER, ENVELOPE)
    short = Letter(signer=ALICE.signer, recipient=BOB.signer, record=ALICE.record())
    assert read_letter(write_letter(ALICE.signing_key, short)) == OpenedLetter(short, b"")


def test_the_largest_letter_fits_into_a_parcel() -> None:
    longest = Letter(
        signer=ALICE.signer,
        recipient=BOB.signer,
        record=b"r" * 2_048,
        receipts=(b"a" * RECEIPT_LIMIT,) * 2,
        offer=Offer(b"d" * 32, MOST_ENVELOPE, b"s" * 16, 2**63 - 1),
    )
    size = len(write_letter(ALICE.signing_key, longest))
    assert size + MOST_ENVELOPE <= MOST_CONTENT


def test_nothing_but_what_its_sender_signed_is_a_letter() -> None:
    content = write_letter(ALICE.signing_key, LETTER, ENVELOPE)
    for wrong in (
        *(b"", content[:1], content[:-1], content + b"x", content[2:]),
        write_letter(BOB.signing_key, LETTER, ENVELOPE),
        write_letter(ALICE.signing_key, LETTER),
    ):
        with pytest.raises(VerificationFailed):
            read_letter(wrong)
    chance = random.Random(3)
    signed = len(content) - len(ENVELOPE)
    for _ in range(CASES):
        at = chance.randrange(signed)
        changed = content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]
        with pytest.raises(VerificationFailed):
            read_letter(changed)
        with contextlib.suppress(VerificationFailed):
            read_letter(chance.randbytes(chance.randrange(400)))
