"""One encoding for each value, and no other is taken."""

import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.envelope.canonical import encode, require_canonical

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_here_is_canonical(value: object) -> None:
    require_canonical(encode(value))


@given(st.binary(max_size=30))
def test_whatever_is_taken_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        require_canonical(data)
    except ValueError:
        return
    assert encode(msgspec.msgpack.decode(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\xcc\x01",  # 1 as uint 8
        b"\xd0\x01",  # 1 as int 8
        b"\xcd\x00\xff",  # 255 as uint 16
        b"\xd1\xff\xff",  # -1 as int 16
        b"\xd3\x00\x00\x00\x00\x00\x00\x00\x01",  # 1 as int 64
        b"\xd9\x01a",  # text of one byte as str 8
        b"\xc5\x00\x01a",  # one byte as bin 16
        b"\xc6\x00\x00\x00\x01a",  # one byte as bin 32
        b"\xdc\x00\x00",  # no items as array 16
        b"\xde\x00\x00",  # no entries as map 16
        b"\xca\x3f\x80\x00\x00",  # 1.0 as float 32
        b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",  # 1.0 as float 64
        b"\xd4\x01\x00",  # an extension
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\x82\xa1b\x01\xa1a\x01",  # keys descending
        b"\x82\xa1a\x01\xa1a\x01",  # the same key twice
        b"\x81\x01\x01",  # a number for a key
        b"\x81\xc4\x01a\x01",  # bytes for a key
        b"\x81\xc0\x01",  # nil for a key
        b"\x01\x01",  # two values
        b"\xc1",  # never used
        b"\x92\x01",  # an item is missing
        b"\xa1\xff",  # not UTF-8
        b"",
    ],
    ids=bytes.hex,
)
def test_another_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        require_canonical(data)


def test_nesting_ends_at_16_whatever_the_stack_holds() -> None:
    require_canonical(b"\x91" * 16 + b"\xc0")
    for depth in (17, 1000, 100_000):
        with pytest.raises(ValueError, match=r".+"):
            require_canonical(b"\x91" * depth + b"\xc0")


def test_a_count_larger_than_the_file_allocates_nothing() -> None:
    tracemalloc.start()
    for data in (
        b"\xdd\x7f\xff\xff\xff",
        b"\xdf\x7f\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\xdb\x7f\xff\xff\xff",
    ):
        with pytest.raises(ValueError, match=r".+"):
            require_canonical(data)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("value", ["\ud800", 2**64, -(2**63) - 1, {1: 2, "a": 3}, object()])
def test_what_has_no_encoding_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        encode(value)
