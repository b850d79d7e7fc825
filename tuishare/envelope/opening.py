"""Opening of envelopes: slots, commitment, body, signature and manifest, in that order.

Owns the order of the steps and the two errors a caller can see. It must not judge the signer or the torrent. A caller
can judge the signer between `unseal` and `Unsealed.read`, when the signature is verified and nothing of the manifest
is decoded yet.
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
    """The content of an intact envelope.

    Attributes:
        manifest: of the signer.
        ticket: our own credentials.
        signer: 32 bytes, Ed25519 public key of the verified signature; whether to trust it is not decided here.
        envelope_id: 32 bytes.
        key_index: which of the given keys opened it, the first if several did.
    """

    manifest: Manifest
    ticket: Ticket
    signer: bytes
    envelope_id: EnvelopeId
    key_index: int


@dataclass(frozen=True, slots=True)
class Unsealed:
    """An envelope whose signature is verified and whose manifest is not decoded yet.

    Attributes:
        ticket: our own credentials.
        signer: 32 bytes, Ed25519 public key of the verified signature; whether to trust it is not decided here.
        envelope_id: 32 bytes.
        key_index: which of the given keys opened it, the first if several did.
        manifest: the signed bytes.
    """

    ticket: Ticket
    signer: bytes
    envelope_id: EnvelopeId
    key_index: int
    manifest: memoryview = field(repr=False)

    @property
    def succession(self) -> bytes:
        """The former identities' signatures for the signer, not verified; empty without any."""
        return peek_succession(self.manifest)

    def read(self) -> Opened:
        """Decode the manifest.

        Raises:
            Damaged: the manifest is invalid.
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
        keys: all our keys, the preferred first.

    Returns:
        Manifest and ticket; the signature is verified.

    Raises:
        NotForUs: the frame is valid, but no slot opened.
        Damaged: any other rule is violated.
    """
    return unseal(data, keys).read()


def unseal(data: bytes, keys: Sequence[OpeningKey]) -> Unsealed:
    """Open our slot and verify the signature: the first half of `open_envelope`, which costs the same for all signers.

    Raises:
        NotForUs: the frame is valid, but no slot opened.
        Damaged: frame, slots, body or signature are invalid.
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
    """Try every key on every slot; without early exit, so that timing does not reveal whose slot is where."""
    header = frame.header
    trials = [(index, try_slot(key, slot, header)) for index, key in enumerate(keys) for slot in frame.slots]
    return [(index, plaintext) for index, plaintext in trials if plaintext is not None]


def _read_slots(frame: Frame, found: Sequence[tuple[int, bytes]]) -> tuple[bytes, dict[int, Ticket]]:
    """Validate all opened slots; return the content key and the tickets by key index.

    Raises:
        Damaged: a slot is malformed or contradicts the commitment, or one key opened two slots.
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
