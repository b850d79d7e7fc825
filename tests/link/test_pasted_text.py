"""Texts that are pasted: what their two kinds, invitations and enrolment strings, have in common."""

from __future__ import annotations

import hashlib

import pytest

from tuishare.errors import BadInput
from tuishare.link.pasted_text import PastedText

TEXT = PastedText(
    "tuishare-example-v2:",
    kind="example",
    name="an example",
    most=60,
    most_pasted=200,
    checksum=lambda body: hashlib.sha256(b"label" + body).digest(),
)
COPY_AGAIN = "Copy the whole example again, from 'tuishare-example-v2:' to its end."
MISTYPED = "The example has a typing mistake: its checksum does not fit"
TOO_LONG = "This text is too long to be an example"


@pytest.mark.parametrize("body", [b"", b"a", b"ab", b"abc", bytes(range(20))])
def test_a_body_comes_back_also_from_wrapped_lines(body: bytes) -> None:
    text = TEXT.write(body)
    assert TEXT.read(text) == body
    assert TEXT.read("\n".join([" ", *text, "\t"])) == body


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("", "An example starts with 'tuishare-example-v2:'", COPY_AGAIN),
        ("tuishare-example", "An example starts with 'tuishare-example-v2:'", COPY_AGAIN),
        (
            "tuishare-example-v1:AAAA",
            "The example was made by another version of tuishare",
            "Update tuishare.",
        ),
        ("tuishare-example-v2:", MISTYPED, COPY_AGAIN),
        (TEXT.write(b"body")[:-1], MISTYPED, COPY_AGAIN),
        (TEXT.write(b"body") + "=", MISTYPED, COPY_AGAIN),
        (TEXT.write(b"body").replace("Y", "+", 1), MISTYPED, COPY_AGAIN),
        (TEXT.write(b"body").replace("Y", "é", 1), MISTYPED, COPY_AGAIN),
        (TEXT.write(bytes(25)), TOO_LONG, COPY_AGAIN),
        (TEXT.write(b"body") + " " * 200, TOO_LONG, COPY_AGAIN),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_kind(text: str, sentence: str, hint: str) -> None:
    with pytest.raises(BadInput) as caught:
        TEXT.read(text)
    assert (caught.value.detail, caught.value.hint) == (sentence, hint)


def test_bits_that_are_left_over_have_one_form() -> None:
    text = TEXT.write(b"a")  # 7 bytes: the last character has four bits more than they need
    assert text[-1] in "AQgw"
    with pytest.raises(BadInput, match="typing mistake"):
        TEXT.read(text[:-1] + chr(ord(text[-1]) + 1))
