"""Hash trees of BEP 52: binary, SHA-256, over blocks of 16 KiB.

Owns the computation of layers and roots from hashes. Pure; must not read files.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

BLOCK = 16 * 1024
"""Bytes hashed into one leaf."""

HASH = 32
"""Bytes of one hash."""

_ZERO = bytes(HASH)
"""The value of each leaf beyond the end of the file."""


def raise_by(nodes: Sequence[bytes], levels: int) -> Sequence[bytes]:
    """Return the layer `levels` above `nodes`; the number of nodes must be a multiple of 2**levels."""
    for _ in range(levels):
        nodes = [sha256(left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
    return nodes


def height(piece_length: int) -> int:
    """Return the level of piece hashes above the leaves."""
    return (piece_length // BLOCK).bit_length() - 1


def piece_layer(leaves: list[bytes], piece_length: int) -> bytes:
    """Return the hashes of consecutive pieces, joined; the last piece may have fewer leaves than the others."""
    missing = -len(leaves) % (piece_length // BLOCK)
    return b"".join(raise_by([*leaves, *[_ZERO] * missing], height(piece_length)))


def root_of_leaves(leaves: list[bytes]) -> bytes:
    """Return the root of a file of at most one piece from its leaves, at least one."""
    return _root(leaves, _ZERO)


def root_of_layer(layer: bytes, piece_length: int) -> bytes:
    """Return the root of a file from the joined hashes of its pieces."""
    [nothing] = raise_by([_ZERO] * (piece_length // BLOCK), height(piece_length))
    return _root([layer[at : at + HASH] for at in range(0, len(layer), HASH)], nothing)


def _root(nodes: list[bytes], padding: bytes) -> bytes:
    levels = (len(nodes) - 1).bit_length()
    [root] = raise_by([*nodes, *[padding] * (2**levels - len(nodes))], levels)
    return root
