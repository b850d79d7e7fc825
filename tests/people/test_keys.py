"""The 256-bit keys of users without a card."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.people import format_key, generate_key, parse_key
from tuishare.people.keys import check_key


@given(st.binary(min_size=32, max_size=32).filter(any))
def test_a_key_survives_being_written_and_read(key: bytes) -> None:
    assert parse_key(format_key(key)) == key
    assert parse_key(f"\n {format_key(key).upper()}\t\n") == key


@pytest.mark.parametrize(
    "text", ["", "ab", "g" * 64, "a" * 63, "a" * 65, "0x" + "a" * 62, "a" * 32 + " " + "a" * 32, "１" * 64]
)
def test_anything_but_64_digits_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="must be 64 hexadecimal digits") as caught:
        parse_key(text)
    assert not text or text not in caught.value.detail


def test_the_zero_key_is_refused() -> None:
    with pytest.raises(BadInput, match="all zero"):
        parse_key("0" * 64)


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"k" * 33])
def test_other_lengths_are_refused(key: bytes) -> None:
    with pytest.raises(BadInput, match="32 bytes"):
        check_key(key)


def test_generated_keys_differ() -> None:
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {32}
