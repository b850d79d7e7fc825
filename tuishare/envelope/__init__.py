"""The `.torrent.encrypted` file format, TSE1 and raw, and parcels: bytes in, bytes out.

Owns every byte of the format, which SPEC.md in this folder specifies. It must not touch a file, a socket or a clock,
and decides nothing about trust: the caller of `open_envelope` checks whether the signer is known, the generation new
and `not_after` still ahead.
"""

from tuishare.envelope.errors import Damaged, NotForUs
from tuishare.envelope.frame import (
    MAGIC,
    MAX_SIZE,
    MAX_SLOTS,
    SLOT_SIZE,
    EnvelopeId,
    Frame,
    is_tse1,
    parse_frame,
)
from tuishare.envelope.hpke import PUBLIC_KEY_SIZE
from tuishare.envelope.manifest import Announce, Manifest, Omission, ShareId
from tuishare.envelope.opening import Opened, Unsealed, open_envelope, unseal
from tuishare.envelope.raw import open_raw, seal_raw
from tuishare.envelope.recognition import LOOKED_AT, Recognition, recognise
from tuishare.envelope.sealing import Sender, seal
from tuishare.envelope.slots import (
    KEY_SIZE,
    CardKey,
    CardRecipient,
    KeyRecipient,
    OpeningKey,
    Recipient,
    UserKey,
)
from tuishare.envelope.ticket import MAX_TICKET, Ticket

__all__ = [
    "KEY_SIZE",
    "LOOKED_AT",
    "MAGIC",
    "MAX_SIZE",
    "MAX_SLOTS",
    "MAX_TICKET",
    "PUBLIC_KEY_SIZE",
    "SLOT_SIZE",
    "Announce",
    "CardKey",
    "CardRecipient",
    "Damaged",
    "EnvelopeId",
    "Frame",
    "KeyRecipient",
    "Manifest",
    "NotForUs",
    "Omission",
    "Opened",
    "OpeningKey",
    "Recipient",
    "Recognition",
    "Sender",
    "ShareId",
    "Ticket",
    "Unsealed",
    "UserKey",
    "is_tse1",
    "open_envelope",
    "open_raw",
    "parse_frame",
    "recognise",
    "seal",
    "seal_raw",
    "unseal",
]
