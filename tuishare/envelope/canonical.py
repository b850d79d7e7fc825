"""Canonical MessagePack: for each value exactly one encoding, and a decoder that takes no other.

Owns the rules of SPEC.md, section "Canonical MessagePack". It must not know which messages there are.
"""

from __future__ import annotations

from typing import Final

import msgspec

_ENCODER: Final = msgspec.msgpack.Encoder(order="sorted")
_MAX_DEPTH: Final = 16


def encode(value: object) -> bytes:
    """Encode with shortest forms and each map's keys ascending.

    Raises:
        ValueError: a text holds a lone surrogate; an integer takes more than 64 bits.
    """
    try:
        return _ENCODER.encode(value)
    except (OverflowError, TypeError) as error:
        raise ValueError(str(error)) from error


def require_canonical(data: bytes | memoryview) -> None:
    """Refuse an encoding which `encode` would not have written, whatever the fields mean.

    Works on the untyped value, so that fields of a later version are held to the same rules as those known today.

    Raises:
        ValueError: a longer form than needed, a double or unsorted key, trailing bytes, a type that is not used.
    """
    try:
        value = msgspec.msgpack.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not _is_plain(value, _MAX_DEPTH) or encode(value) != data:
        raise ValueError("not the canonical encoding")


def _is_plain(value: object, depth: int) -> bool:
    """Tell whether a value holds only the types of the format, nested no deeper than `depth`."""
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
