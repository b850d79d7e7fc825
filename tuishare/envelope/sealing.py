"""Sealing of one manifest for many recipients.

Owns the order of the steps and the limits for senders. It must not write a file.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tuishare.envelope.body import body_size, seal_body, sign
from tuishare.envelope.derivation import derive_commitment
from tuishare.envelope.frame import (
    IV_SIZE,
    MAX_SIZE,
    MAX_SLOTS,
    EnvelopeId,
    Frame,
    frame_size,
    header_bytes,
)
from tuishare.envelope.manifest import Manifest, encode_manifest
from tuishare.envelope.slots import CardRecipient, KeyRecipient, Recipient, seal_filler, seal_slot
from tuishare.envelope.ticket import CONTENT_KEY_SIZE, Ticket, encode_ticket
from tuishare.errors import BadInput


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender, who gets a slot too, to be able to open their own shares.

    Attributes:
        signing_key: signs; its public half is the `signer` that recipients see.
        public_key: the sender's own X-Wing public key, 1216 bytes.
        ticket: the sender's own credentials for the swarm.
    """

    signing_key: Ed25519PrivateKey = field(repr=False)
    public_key: bytes
    ticket: Ticket


def seal(manifest: Manifest, recipients: Sequence[Recipient], sender: Sender) -> bytes:
    """Seal an envelope of format TSE1 (SPEC.md).

    Args:
        manifest: for all recipients.
        recipients: up to 1,023, without the sender.
        sender: signs, and gets the remaining slot.

    Returns:
        The whole file, at most `MAX_SIZE` bytes; different at each call.

    Raises:
        BadInput: too many or duplicate recipients, an unusable key, an invalid field, or too large a file.
    """
    members = (*recipients, CardRecipient(sender.public_key, sender.ticket))
    slot_count = _count_slots(members)
    manifest_data = _encode_or_refuse(manifest)
    if frame_size(slot_count, body_size(manifest_data)) > MAX_SIZE:
        raise BadInput(
            f"The envelope would be larger than {MAX_SIZE >> 20} MiB",
            hint="Choose a larger piece length; it makes the torrent smaller.",
        )
    content_key = secrets.token_bytes(CONTENT_KEY_SIZE)
    envelope_id = EnvelopeId(secrets.token_bytes(32))
    commitment = derive_commitment(content_key, envelope_id)
    header = header_bytes(slot_count, envelope_id, commitment)
    slots = [seal_slot(member, content_key, _encode_or_refuse(member.ticket), header) for member in members]
    slots += [seal_filler(header) for _ in range(slot_count - len(slots))]
    secrets.SystemRandom().shuffle(slots)
    addressed = header + b"".join(slots)
    body_iv = secrets.token_bytes(IV_SIZE)
    signed = sign(sender.signing_key, addressed, manifest_data)
    body = seal_body(signed, content_key, envelope_id, addressed, body_iv)
    return Frame(envelope_id, commitment, tuple(slots), body_iv, body).to_bytes()


def _count_slots(members: Sequence[Recipient]) -> int:
    """Validate the members and return the number of slots: the next power of two."""
    if len(members) > MAX_SLOTS:
        raise BadInput(
            f"An envelope takes at most {MAX_SLOTS - 1:,} recipients", hint="Split them over several shares."
        )
    if len({_key_of(member) for member in members}) != len(members):
        raise BadInput(
            "The same card or key is listed twice among the recipients",
            hint="List each user once, and not yourself; your own card is added automatically.",
        )
    return 1 << (len(members) - 1).bit_length()


def _key_of(member: Recipient) -> bytes:
    match member:
        case CardRecipient(public_key=key) | KeyRecipient(key=key):
            return key
        case _:
            assert_never(member)


def _encode_or_refuse(value: Manifest | Ticket) -> bytes:
    """Encode a value, or raise with the violated rule; rules and field names contain no secret."""
    try:
        return encode_manifest(value) if isinstance(value, Manifest) else encode_ticket(value)
    except ValueError as error:
        what = type(value).__name__.lower()
        raise BadInput(
            f"This {what} cannot be sealed: {error}", hint="Shorten or correct the field named here."
        ) from None
