from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.torrents.merkle import BLOCK, height, piece_layer, raise_by, root_of_layer, root_of_leaves


def root_by_the_book(leaves: list[bytes]) -> bytes:
    """The tree as BEP 52 words it: zeros to the next power of two, then pairs up to the root."""
    size = 1
    while size < len(leaves):
        size *= 2
    nodes = leaves + [bytes(32)] * (size - len(leaves))
    while len(nodes) > 1:
        nodes = [sha256(nodes[at] + nodes[at + 1]).digest() for at in range(0, len(nodes), 2)]
    return nodes[0]


def leaves_of(count: int) -> list[bytes]:
    return [sha256(bytes([number % 256, number // 256])).digest() for number in range(count)]


@given(st.integers(1, 70))
def test_root_of_leaves(count: int) -> None:
    assert root_of_leaves(leaves_of(count)) == root_by_the_book(leaves_of(count))


@given(st.integers(1, 70), st.sampled_from([1, 2, 4, 8]))
def test_layer_leads_to_the_same_root(count: int, blocks: int) -> None:
    layer = piece_layer(leaves_of(count), blocks * BLOCK)
    assert len(layer) == -(-count // blocks) * 32
    if count > blocks:
        assert root_of_layer(layer, blocks * BLOCK) == root_by_the_book(leaves_of(count))


def test_height() -> None:
    assert [height(BLOCK << levels) for levels in range(13)] == list(range(13))


def test_raising_needs_whole_subtrees() -> None:
    assert raise_by(leaves_of(3), 0) == leaves_of(3)
    with pytest.raises(ValueError, match="shorter"):
        raise_by(leaves_of(3), 1)
