"""Canonical MessagePack: one encoding for each value, and a decoder that accepts no other.

Owns the rules of SPEC.md, section "Canonical MessagePack". It must not know which messages exist.
"""

from __future__ import annotations

from typing import Final

import msgspec

_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")
_MAX_DEPTH: Final = 16


def encode(value: object) -> bytes:
    """Encode in the shortest form, with the keys of each map in ascending order.

    Raises:
        ValueError: a text contains a lone surrogate, or an integer takes more than 64 bits.
    """
    try:
        return _ENCODER.encode(value)
    except (OverflowError, TypeError) as error:
        raise ValueError(str(error)) from error


def require_canonical(data: bytes | memoryview) -> None:
    """Refuse an encoding that `encode` would not have produced.

    Works on the untyped value, so the same rules apply to unknown fields of later versions.

    Raises:
        ValueError: a non-shortest form, a duplicate or unsorted key, trailing bytes, or an unused type.
    """
    try:
        value = msgspec.msgpack.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not _is_plain(value, _MAX_DEPTH) or encode(value) != data:
        raise ValueError("not the canonical encoding")


def _is_plain(value: object, depth: int) -> bool:
    """Whether a value consists of the types of the format only, nested no deeper than `depth`."""
    match value:
        case None | bool() | int() | str() | bytes():
            return True
        case list():
            return depth > 0 and all(_is_plain(item, depth - 1) for item in value)
        case dict():
            return depth > 0 and all(
                isinstance(key, str) and _is_plain(item, depth - 1) for key, item in value.items()
            )
        case _:
            return False
