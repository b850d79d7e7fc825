"""Padmé and the length-prefixed plaintexts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.envelope.padding import pad, padme, unpad


@given(st.integers(2, 2**32))
def test_padme_is_the_formula_of_the_paper(size: int) -> None:
    exponent = math.floor(math.log2(size + 0.5))  # + 0.5: log2 of 2**n - 1 rounds up to n for large n
    kept = math.floor(math.log2(exponent)) + 1
    step = 2 ** (exponent - kept)
    assert padme(size) == math.ceil(size / step) * step


@given(st.integers(2, 2**32))
def test_padme_is_reached_and_costs_little(size: int) -> None:
    padded = padme(size)
    assert size <= padded <= size * 1.12
    assert padme(padded) == padded
    assert size < 2**24 or padded <= size * 1.032


@pytest.mark.parametrize(
    ("size", "padded"), [(2, 2), (9, 10), (100, 104), (1000, 1024), (1025, 1088), (1_000_000, 1_015_808)]
)
def test_padme_known_answers(size: int, padded: int) -> None:
    assert padme(size) == padded


@given(st.binary(max_size=300), st.integers(0, 50), st.sampled_from([2, 4]))
def test_what_is_padded_comes_back(message: bytes, zeros: int, prefix_size: int) -> None:
    padded = pad(message, prefix_size, prefix_size + len(message) + zeros)
    assert len(padded) == prefix_size + len(message) + zeros
    assert unpad(padded, prefix_size) == message


@pytest.mark.parametrize("at", [5, 6, 9])
def test_a_padding_byte_that_is_not_zero_is_refused(at: int) -> None:
    padded = bytearray(pad(b"abc", 2, 10))
    padded[at] = 1
    with pytest.raises(ValueError, match="not zero"):
        unpad(bytes(padded), 2)


@pytest.mark.parametrize("padded", [b"", b"\0", b"\0\1", b"\0\4abc", b"\xff\xffabc"])
def test_a_length_beyond_the_end_is_refused(padded: bytes) -> None:
    with pytest.raises(ValueError, match="beyond"):
        unpad(padded, 2)
