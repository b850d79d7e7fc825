"""The ticket: the credentials of one recipient, next to the content key in their slot.

Owns the ticket's fields and the layout of a slot's plaintext. It must not know how a slot is encrypted.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tuishare.envelope import canonical, padding

CONTENT_KEY_SIZE: Final = 32
MAX_TICKET: Final = 1890
"""Maximum size of an encoded ticket in bytes: the capacity of a key slot, the smaller of the two kinds."""

_LENGTH_SIZE: Final = 2
_Der = Annotated[bytes, Meta(min_length=1)]


class Ticket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recipient's private credentials.

    Attributes:
        passkey: 32 random bytes that identify the recipient to the tracker.
        leaf_certificate: DER of the TLS certificate to join the swarm with; `None` in a plain swarm.
        leaf_key: DER (PKCS #8) of its private key; `None` exactly when there is no certificate.
    """

    passkey: Annotated[bytes, Meta(min_length=32, max_length=32)]
    leaf_certificate: _Der | None
    leaf_key: _Der | None

    def __repr__(self) -> str:
        """Show only the type: everything in a ticket is secret."""
        return "Ticket(…)"


_DECODER: Final = msgspec.msgpack.Decoder(Ticket)


def encode_ticket(ticket: Ticket) -> bytes:
    """Encode a ticket and validate it as the recipient will.

    Raises:
        ValueError: a field is invalid, or the result is longer than `MAX_TICKET`.
    """
    data = canonical.encode(ticket)
    _decode_ticket(data)
    return data


def slot_plaintext(content_key: bytes, ticket_data: bytes, size: int) -> bytes:
    """Return a slot's plaintext of `size` bytes: content key, u16 length, ticket, zeros."""
    return content_key + padding.pad(ticket_data, _LENGTH_SIZE, size - CONTENT_KEY_SIZE)


def read_slot_plaintext(plaintext: bytes) -> tuple[bytes, Ticket]:
    """Split a slot's plaintext into content key and ticket.

    Raises:
        ValueError: length, padding or ticket is invalid.
    """
    ticket_data = bytes(padding.unpad(plaintext[CONTENT_KEY_SIZE:], _LENGTH_SIZE))
    return plaintext[:CONTENT_KEY_SIZE], _decode_ticket(ticket_data)


def _decode_ticket(data: bytes) -> Ticket:
    if len(data) > MAX_TICKET:
        raise ValueError(f"a ticket takes at most {MAX_TICKET} bytes")
    ticket = _DECODER.decode(data)
    canonical.require_canonical(data)
    if (ticket.leaf_certificate is None) != (ticket.leaf_key is None):
        raise ValueError("a leaf certificate and its key come together")
    return ticket
