"""The operation on receipts.

Owns the conversion of kept receipts into messages. Must not judge receipts: only what was verified is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tuishare.agent.link.handovers import Handovers
from tuishare.api.messages import Receipt, ReceiptQuery, ReceiptState, ShareId
from tuishare.core.records import ReceiptRecord, ShareRecord
from tuishare.errors import NotFound, VerificationFailed
from tuishare.link.receipt import format_receipt, verify_receipt
from tuishare.sanitize import for_display


class ReceiptService:
    """Implements the part of `tuishare.api.service.AgentService` about receipts."""

    def __init__(self, handovers: Handovers, shares: Mapping[str, ShareRecord]) -> None:
        self._handovers = handovers
        self._shares = shares

    async def receipts(self, query: ReceiptQuery) -> list[Receipt]:
        records = await self._handovers.receipts(query.share)
        if not records and query.share and not _is_known(query.share, self._shares.values()):
            raise NotFound(
                f"There is no share “{for_display(query.share)}”, and no receipt for one",
                hint="`tuishare receipts` shows all receipts.",
            )
        return [receipt for record in records if (receipt := _view(record)) is not None]


def _is_known(share: str, shares: Collection[ShareRecord]) -> bool:
    return any(share in (record.id, record.name) for record in shares)


def _view(record: ReceiptRecord) -> Receipt | None:
    """Return a kept receipt; None for one that is damaged."""
    try:
        receipt = verify_receipt(record.signed)
    except VerificationFailed:
        return None
    return Receipt(
        share=ShareId(record.share),
        name=record.name,
        user=record.user,
        state=ReceiptState(receipt.state),
        at=receipt.at,
        kept=record.at,
        generation=receipt.generation,
        digest=receipt.digest.hex(),
        info_hash=receipt.info_hash.hex() if receipt.info_hash else "",
        text=format_receipt(record.signed),
    )
