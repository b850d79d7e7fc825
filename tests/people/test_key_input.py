from __future__ import annotations

import pytest

from tuishare.errors import BadInput
from tuishare.people import read_key_line

DIGITS = "9f" * 32
KEY = bytes.fromhex(DIGITS)


@pytest.mark.parametrize(
    "text",
    [
        DIGITS,
        f"  {DIGITS.upper()}\r\n",
        f"\n\n{DIGITS}\n\n",
        f"bob\t{DIGITS}\n",
        f"Bob of the Crew\t{DIGITS}",
        f"bea {DIGITS}",
        f"\xa0{DIGITS}\xa0",
    ],
)
def test_a_key_and_the_line_that_create_prints(text: str) -> None:
    assert read_key_line(text) == KEY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \r\n", "is empty"),
        (DIGITS[:-1], "not 63"),
        (DIGITS + "0", "not 65"),
        (f"{DIGITS[:32]} {DIGITS[32:]}", "64 hexadecimal digits"),
        ("0x" + DIGITS[2:], "64 hexadecimal digits"),
        (f"bob\t{DIGITS}\ncarol\t{DIGITS}\n", "There are 2 lines"),
        ("tuishare-card-v1:abc", "a card"),
        ("tuishare-identity-v1:abc", "not the key of a user"),
        ("TSE1\x00", "an envelope"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "a PEM file"),
        ("<!doctype html>", "a web page"),
        ("0" * 64, "all zero"),
    ],
)
def test_what_is_no_key_is_called_by_its_name(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        read_key_line(text)
    assert DIGITS[:20] not in f"{caught.value.detail} {caught.value.hint}"
