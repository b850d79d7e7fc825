"""The outer layout of TSE1: the fields and their offsets, before any decryption.

Owns offsets, counts and lengths (SPEC.md, section "Frame"). It must not decrypt, and must not allocate more than the
size of the file: every length is checked against it first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NewType

from tuishare.envelope.errors import Damaged

EnvelopeId = NewType("EnvelopeId", bytes)
"""32 random bytes, different for each envelope."""

MAGIC: Final = b"TSE1"
MAX_SIZE: Final = 32 * 1024 * 1024
"""Largest envelope, raw or TSE1, in bytes."""
MAX_SLOTS: Final = 1024
SLOT_SIZE: Final = 3072
"""Size of every slot in bytes."""
HEADER_SIZE: Final = 70
"""Size of magic, count, envelope id and commitment, to which each slot is bound."""
IV_SIZE: Final = 12
TAG_SIZE: Final = 16

_HEADER: Final = struct.Struct(">4sH32s32s")
_BODY_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Frame:
    """A TSE1 file split into its fields; joining them gives the same bytes.

    Attributes:
        envelope_id: 32 bytes.
        commitment: 32 bytes derived from the content key.
        slots: 1, 2, 4 … 1024 ciphertexts of `SLOT_SIZE` bytes, in file order.
        body_iv: 12 bytes.
        body: ciphertext and tag of the body, at least 16 bytes; a view of the file, without a copy.
    """

    envelope_id: EnvelopeId
    commitment: bytes
    slots: tuple[bytes, ...]
    body_iv: bytes
    body: bytes | memoryview

    @property
    def header(self) -> bytes:
        """The first 70 bytes, to which each slot is bound."""
        return header_bytes(len(self.slots), self.envelope_id, self.commitment)

    @property
    def addressed(self) -> bytes:
        """All bytes up to the end of the slots; the sender signs them."""
        return self.header + b"".join(self.slots)

    def to_bytes(self) -> bytes:
        """Join the fields into the bytes of the file."""
        return self.addressed + self.body_iv + _BODY_LENGTH.pack(len(self.body)) + self.body


def header_bytes(slot_count: int, envelope_id: EnvelopeId, commitment: bytes) -> bytes:
    """Return the first 70 bytes of an envelope with that many slots."""
    return _HEADER.pack(MAGIC, slot_count, envelope_id, commitment)


def frame_size(slot_count: int, body_size: int) -> int:
    """Return the size in bytes of an envelope with that many slots and a body ciphertext of that size."""
    return HEADER_SIZE + slot_count * SLOT_SIZE + IV_SIZE + _BODY_LENGTH.size + body_size


def is_tse1(data: bytes) -> bool:
    """Whether a file starts with the magic of TSE1; otherwise it may have the raw form."""
    return data[: len(MAGIC)] == MAGIC


def parse_frame(data: bytes) -> Frame:
    """Split an envelope into its fields (SPEC.md, section "Frame").

    Args:
        data: the whole file.

    Returns:
        The fields, for which ``parse_frame(data).to_bytes() == data``.

    Raises:
        Damaged: magic, count, a size or the total length is invalid.
    """
    if not frame_size(1, TAG_SIZE) <= len(data) <= MAX_SIZE or not is_tse1(data):
        raise Damaged
    _, count, envelope_id, commitment = _HEADER.unpack_from(data)
    if not 1 <= count <= MAX_SLOTS or count & (count - 1):
        raise Damaged
    body_at = frame_size(count, 0)
    if len(data) < body_at + TAG_SIZE:
        raise Damaged
    length_at = body_at - _BODY_LENGTH.size
    (body_length,) = _BODY_LENGTH.unpack_from(data, length_at)
    if body_at + body_length != len(data):
        raise Damaged
    slots_end = length_at - IV_SIZE
    return Frame(
        EnvelopeId(envelope_id),
        commitment,
        tuple(data[at : at + SLOT_SIZE] for at in range(HEADER_SIZE, slots_end, SLOT_SIZE)),
        data[slots_end:length_at],
        memoryview(data)[body_at:],
    )
