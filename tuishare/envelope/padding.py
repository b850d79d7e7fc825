"""Padding that hides the size of a message: length prefix and zeros.

Owns the Padmé formula and strict unpadding. It must not know what the message is.
"""

from __future__ import annotations


def padme(size: int) -> int:
    """Round a size up so that it leaks only O(log log size) bits (Padmé, Nikitin et al., PoPETs 2019, section 4).

    Args:
        size: bytes before padding, at least 2.

    Returns:
        The smallest allowed size that is not smaller: at most 12 % larger, at most 3.2 % from 16 MiB on.
    """
    exponent = size.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (size + mask) & ~mask


def pad(message: bytes, prefix_size: int, total: int) -> bytes:
    """Prefix a message with its big-endian length of `prefix_size` bytes and append zeros, up to `total` bytes."""
    return (len(message).to_bytes(prefix_size, "big") + message).ljust(total, b"\0")


def unpad(padded: bytes, prefix_size: int) -> memoryview:
    """Undo `pad`; refuse what `pad` never produces.

    Returns:
        A view of the message, without a copy.

    Raises:
        ValueError: the length exceeds the data, or a padding byte is not zero.
    """
    end = prefix_size + int.from_bytes(padded[:prefix_size], "big")
    if end > len(padded) or len(padded) < prefix_size:
        raise ValueError("the length points beyond the end")
    if padded.count(0, end) != len(padded) - end:
        raise ValueError("padding is not zero")
    return memoryview(padded)[prefix_size:end]
