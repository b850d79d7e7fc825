"""Receipts: what a recipient's agent signs about one envelope.

Owns the format (SPEC.md, section "Receipt") and its verification, for which no agent is needed. A receipt is the
statement of the recipient's software: it proves that the holder of the recipient's key signed it, not that a person
read anything. Must not store receipts.
"""

from __future__ import annotations

import base64
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from tuishare.errors import BadInput, VerificationFailed
from tuishare.link.statements import (
    Bytes16,
    Bytes32,
    PositiveInt,
    Second,
    Statement,
    read_statement,
    sign_statement,
)

RECEIPT_LIMIT: Final = 512
"""Most bytes of a signed receipt; one with every field at its longest has 283."""
RECEIPT_PREFIX: Final = "tuishare-receipt-v1:"
_DOMAIN: Final = b"tuishare/receipt/v1"

ReceiptState: TypeAlias = Literal["received", "refused", "complete"]


class Receipt(Statement, frozen=True, kw_only=True):
    """What became of one envelope; the signature of one that was read is verified.

    Attributes:
        digest: SHA-256 of the envelope.
        share: id of the share.
        generation: of the share, as in the envelope.
        info_hash: of the torrent: 32 bytes of v2, else 20 of v1; `None` before the envelope was opened.
        state: ``received`` when the envelope is durably in the inbox, ``refused`` when it was not admitted,
            ``complete`` when every piece was verified and delivered.
        at: seconds since 1970 UTC by the signer's clock.
    """

    digest: Bytes32
    share: Bytes16
    generation: PositiveInt
    info_hash: Annotated[bytes, Meta(min_length=20, max_length=32)] | None
    state: ReceiptState
    at: Second


_DECODER: Final = msgspec.msgpack.Decoder(Receipt)


def sign_receipt(key: Ed25519PrivateKey, receipt: Receipt) -> bytes:
    """Sign a receipt, whose signer is the public half of `key`.

    Raises:
        BadInput: a field breaks its rule.
    """
    data = sign_statement(key, _DOMAIN, receipt)
    try:
        verify_receipt(data)
    except VerificationFailed as error:
        raise BadInput("The receipt breaks a rule of its format") from error
    return data


def verify_receipt(data: bytes) -> Receipt:
    """Decode a receipt and verify its signature; whose key the signer is, is the caller's question.

    Raises:
        VerificationFailed: malformed, or not signed by its signer.
    """
    try:
        receipt = read_statement(data, _DOMAIN, _DECODER, limit=RECEIPT_LIMIT)
        if receipt.info_hash is not None and len(receipt.info_hash) not in {20, 32}:
            raise ValueError("an info-hash of another size")
        if receipt.state == "complete" and receipt.info_hash is None:
            raise ValueError("complete without an info-hash")
    except ValueError as error:
        raise VerificationFailed(
            "The receipt is not valid",
            hint="It was changed or cut off: ask for the file as it was exported.",
        ) from error
    return receipt


def format_receipt(signed: bytes) -> str:
    """Return a signed receipt as one line of text."""
    return RECEIPT_PREFIX + base64.urlsafe_b64encode(signed).decode().rstrip("=")


def read_receipts(text: str) -> list[Receipt | VerificationFailed]:
    """Read and verify receipts, one on each line; empty lines, and comments that begin with ``#``, are skipped.

    Returns:
        For each line a receipt, or why it is none.
    """
    lines = (line.strip() for line in text.splitlines())
    return [_read_line(line) for line in lines if line and not line.startswith("#")]


def _read_line(line: str) -> Receipt | VerificationFailed:
    encoded = line.removeprefix(RECEIPT_PREFIX)
    try:
        if encoded == line:
            raise ValueError("no prefix")
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return verify_receipt(data)
    except ValueError:
        return VerificationFailed(
            "It is no receipt", hint=f"A receipt is one line that starts with {RECEIPT_PREFIX}"
        )
    except VerificationFailed as error:
        return error
