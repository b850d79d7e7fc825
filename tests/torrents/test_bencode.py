from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.torrents import TooLarge, bencode
from tuishare.torrents.bencode import Value

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_encoded_decodes_to_the_same(value: Value) -> None:
    assert bencode.decode(bencode.encode(value)) == value


@given(st.binary(max_size=40) | st.text("0123456789ilde:-a", max_size=20).map(str.encode))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        value = bencode.decode(data)
    except BadInput:
        return
    assert bencode.encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"i1",
        b"ie",
        b"i-e",
        b"i-0e",
        b"i01e",
        b"i-01e",
        b"i 1e",
        b"i+1e",
        b"i1_0e",
        b"i9223372036854775808e",
        b"i-9223372036854775809e",
        b"i" + b"9" * 5000 + b"e",
        b"i\xd9\xa1e",  # an Arabic-Indic one
        b"1",
        b"1:",
        b"2:a",
        b"01:a",
        b"-1:a",
        b"99999999999999999999:a",
        b"l",
        b"li1e",
        b"d",
        b"d1:ae",
        b"di1ei1ee",
        b"d1:bi1e1:ai1ee",
        b"d1:ai1e1:ai1ee",
        b"i1ei1e",
        b"1:a ",
        b"lee",
    ],
)
def test_other_than_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="This is not a torrent"):
        bencode.decode(data)


def test_string_that_claims_more_than_there_is() -> None:
    for data in [b"9999999999:a", b"l2:a", b"d1:a9:xye"]:
        with pytest.raises(BadInput, match="longer than the rest"):
            bencode.decode(data)


def test_extremes_are_read() -> None:
    assert bencode.decode(b"li0ei-1ei9223372036854775807ei-9223372036854775808e0:ledee") == [
        0,
        -1,
        2**63 - 1,
        -(2**63),
        b"",
        [],
        {},
    ]


def test_depth_is_bounded() -> None:
    depth = bencode.MAX_DEPTH
    bencode.decode(b"l" * depth + b"e" * depth)
    with pytest.raises(BadInput, match="nested deeper"):
        bencode.decode(b"l" * (depth + 1) + b"e" * (depth + 1))
    with pytest.raises(BadInput, match="nested deeper"):
        bencode.decode(b"l" * 1_000_000)


def test_number_of_values_is_bounded() -> None:
    bencode.decode(b"l" + b"0:" * 999 + b"e", max_values=1_000)
    with pytest.raises(TooLarge, match="more than 1,000 values"):
        bencode.decode(b"l" + b"0:" * 1_000 + b"e", max_values=1_000)


def test_what_trackers_write_is_read_without_strictness() -> None:
    """Keys out of order or repeated, of which the first counts, and something after the end."""
    for text in (b"d1:bi1e1:ai2ee", b"d1:ai2e1:bi1e1:ai3ee", b"d1:ai2e1:bi1ee\r\n"):
        assert bencode.decode(text, strict=False) == {b"a": 2, b"b": 1}
        with pytest.raises(BadInput):
            bencode.decode(text)
    for text in (b"", b"d1:a", b"d1:ae", b"i03e", b"l" * 200 + b"e" * 200):
        with pytest.raises(BadInput):
            bencode.decode(text, strict=False)
