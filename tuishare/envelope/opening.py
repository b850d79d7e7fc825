"""Opening: every key on every slot, then commitment, body, signature and manifest, in that order.

Owns the order of the steps and the two failures a caller can see. It must not judge the signer or the torrent; a caller
who judges the signer first stops between `unseal` and `Unsealed.read`, where the signature is proved and nothing of the
manifest is decoded yet.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from tuishare.envelope.body import open_body
from tuishare.envelope.derivation import derive_commitment
from tuishare.envelope.errors import Damaged, NotForUs
from tuishare.envelope.frame import EnvelopeId, Frame, parse_frame
from tuishare.envelope.manifest import Manifest, decode_manifest, peek_succession
from tuishare.envelope.slots import OpeningKey, try_slot
from tuishare.envelope.ticket import CONTENT_KEY_SIZE, Ticket, read_slot_plaintext


@dataclass(frozen=True, slots=True)
class Opened:
    """What an intact envelope holds for us.

    Attributes:
        manifest: what the signer says.
        ticket: our own credentials.
        signer: 32 bytes, Ed25519 public key whose signature was proved; whether to trust it is not decided here.
        envelope_id: 32 bytes.
        key_index: which of the keys given opened it, the first if several did.
    """

    manifest: Manifest
    ticket: Ticket
    signer: bytes
    envelope_id: EnvelopeId
    key_index: int


@dataclass(frozen=True, slots=True)
class Unsealed:
    """An envelope whose signature was proved, and whose manifest nobody has looked at.

    Attributes:
        ticket: our own credentials.
        signer: 32 bytes, Ed25519 public key whose signature was proved; whether to trust it is not decided here.
        envelope_id: 32 bytes.
        key_index: which of the keys given opened it, the first if several did.
        manifest: as it was signed.
    """

    ticket: Ticket
    signer: bytes
    envelope_id: EnvelopeId
    key_index: int
    manifest: memoryview = field(repr=False)

    @property
    def succession(self) -> bytes:
        """The former identity's word for the signer, not yet looked at; empty without one."""
        return peek_succession(self.manifest)

    def read(self) -> Opened:
        """Read what was signed.

        Raises:
            Damaged: the manifest breaks a rule.
        """
        try:
            manifest = decode_manifest(self.manifest)
        except ValueError as error:
            raise Damaged from error
        return Opened(manifest, self.ticket, self.signer, self.envelope_id, self.key_index)


def open_envelope(data: bytes, keys: Sequence[OpeningKey]) -> Opened:
    """Open an envelope of format TSE1 (SPEC.md, section "Opening").

    Args:
        data: the whole file.
        keys: all keys we have, the preferred first.

    Returns:
        Manifest and ticket, with the signature proved.

    Raises:
        NotForUs: well-formed outside, but no slot opened.
        Damaged: any other rule is broken.
    """
    return unseal(data, keys).read()


def unseal(data: bytes, keys: Sequence[OpeningKey]) -> Unsealed:
    """Find our slot and prove who signed; the first half of `open_envelope`, which works the same for all signers.

    Raises:
        NotForUs: well-formed outside, but no slot opened.
        Damaged: any other rule about frame, slots, body or signature is broken.
    """
    frame = parse_frame(data)
    found = _try_all(frame, keys)
    if not found:
        raise NotForUs
    content_key, tickets = _read_slots(frame, found)
    signed = open_body(frame, content_key)
    key_index = min(tickets)
    return Unsealed(tickets[key_index], signed.signer, frame.envelope_id, key_index, signed.manifest)


def _try_all(frame: Frame, keys: Sequence[OpeningKey]) -> list[tuple[int, bytes]]:
    """Try every key on every slot; no early exit, so that the time tells nothing about whose slot is where."""
    header = frame.header
    trials = [(index, try_slot(key, slot, header)) for index, key in enumerate(keys) for slot in frame.slots]
    return [(index, plaintext) for index, plaintext in trials if plaintext is not None]


def _read_slots(frame: Frame, found: Sequence[tuple[int, bytes]]) -> tuple[bytes, dict[int, Ticket]]:
    """Check all slots that opened and give the content key, and a ticket per index of key.

    Raises:
        Damaged: a slot's inside is malformed, is not committed to, or one key opened two slots.
    """
    tickets: dict[int, Ticket] = {}
    for index, plaintext in found:
        try:
            content_key, ticket = read_slot_plaintext(plaintext)
        except ValueError as error:
            raise Damaged from error
        committed = derive_commitment(content_key, frame.envelope_id)
        if index in tickets or not secrets.compare_digest(committed, frame.commitment):
            raise Damaged
        tickets[index] = ticket
    return found[0][1][:CONTENT_KEY_SIZE], tickets
