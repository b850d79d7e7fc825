"""The outer layout: the parse is exact and its inverse gives the same bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.envelope import MAX_SIZE, MAX_SLOTS, SLOT_SIZE, Damaged, EnvelopeId, Frame, is_tse1, parse_frame
from tuishare.envelope.frame import frame_size, header_bytes


def _frame(slot_count: int, body: bytes = bytes(16)) -> Frame:
    slots = tuple(bytes([number % 256]) * SLOT_SIZE for number in range(slot_count))
    return Frame(EnvelopeId(b"i" * 32), b"c" * 32, slots, b"v" * 12, body)


@pytest.mark.parametrize("slot_count", [1, 2, 4, 64, MAX_SLOTS])
def test_every_power_of_two_parses_and_joins_again(slot_count: int) -> None:
    data = _frame(slot_count).to_bytes()
    assert parse_frame(data) == _frame(slot_count)
    assert parse_frame(data).to_bytes() == data
    assert len(data) == frame_size(slot_count, 16)


@pytest.mark.parametrize("slot_count", [0, 3, 5, 63, 1023, 1025, 2048])
def test_any_other_count_is_damaged(slot_count: int) -> None:
    with pytest.raises(Damaged):
        parse_frame(_frame(slot_count).to_bytes())


def test_the_layout_is_that_of_the_specification() -> None:
    data = _frame(2, b"b" * 17).to_bytes()
    assert data[:6] == b"TSE1\x00\x02"
    assert data[6:38] == b"i" * 32
    assert data[38:70] == b"c" * 32
    assert data[70 : 70 + 2 * 3072] == bytes(3072) + b"\x01" * 3072
    assert data[70 + 2 * 3072 :] == b"v" * 12 + b"\x00\x00\x00\x11" + b"b" * 17
    assert _frame(2).header == data[:70] == header_bytes(2, EnvelopeId(b"i" * 32), b"c" * 32)
    assert _frame(2).addressed == data[: 70 + 2 * 3072]


def test_the_largest_file_is_32_mib() -> None:
    room = MAX_SIZE - frame_size(1, 0)
    assert len(parse_frame(_frame(1, bytes(room)).to_bytes()).body) == room
    with pytest.raises(Damaged):
        parse_frame(_frame(1, bytes(room + 1)).to_bytes())


def test_every_cut_and_every_longer_file_is_damaged() -> None:
    data = _frame(1, b"b" * 40).to_bytes()
    for size in range(len(data)):
        with pytest.raises(Damaged):
            parse_frame(data[:size])
    for more in range(1, 300):
        with pytest.raises(Damaged):
            parse_frame(data + bytes(more))


@given(st.binary(max_size=200))
def test_noise_is_damaged(noise: bytes) -> None:
    with pytest.raises(Damaged):
        parse_frame(b"TSE1" + noise)


@given(st.integers(0, 65535), st.integers(0, 2**32 - 1))
def test_whatever_parses_joins_to_the_same_bytes(count: int, length: int) -> None:
    data = struct.pack(">4sH64x3072x12xI16x", b"TSE1", count, length)
    try:
        frame = parse_frame(data)
    except Damaged:
        assert (count, length) != (1, 16)
    else:
        assert frame.to_bytes() == data
        assert (count, length) == (1, 16)


def test_the_magic_tells_tse1_from_the_raw_form() -> None:
    assert is_tse1(b"TSE1 and more".ljust(100, b"\0"))
    assert not is_tse1(b"TSE")
    assert not is_tse1(b"tse1")
