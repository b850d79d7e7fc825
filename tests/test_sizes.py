from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1500", 1500),
        ("7B", 7),
        ("1k", 1024),
        ("256KiB", 262_144),
        ("256 kb", 262_144),
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
