from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.config.units import format_rate, format_size, parse_size
from tuishare.errors import BadInput


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1500", 1500),
        ("7B", 7),
        ("1k", 1024),
        ("256KiB", 262_144),
        ("256 kb", 256_000),
        ("5MB", 5_000_000),
        ("5mib", 5 << 20),
        (" 4MiB ", 4 << 20),
        ("2G", 2 << 30),
        ("1TiB", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "-1", "1.5M", "1PiB", "0x10", "1e3", "1 M B", "9" * 16, "١٢"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadInput, match="is not a size"):
        parse_size(text)


@given(st.text(max_size=50))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    with suppress(BadInput):
        assert 0 <= parse_size(text) < 10**15 << 40


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_200_000, "1.2 MB"),
        (38_200_000_000, "38.2 GB"),
        (99_949_999, "99.9 MB"),
        (99_950_000, "100 MB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (812 * 10**9, "812 GB"),
        (10**18, "1.0 EB"),
        (10**22, "10,000 EB"),
    ],
)
def test_sizes_have_three_digits_and_a_unit(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(0, 10**21))
def test_a_size_fits_its_column(size: int) -> None:
    assert len(format_size(size)) <= 8
    assert len(format_rate(size)) <= 10
