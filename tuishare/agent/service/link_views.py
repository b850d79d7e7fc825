"""Links and handovers as clients see them.

Owns the conversion of what the link keeps into messages. Must not change anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, assert_never

import msgspec

from tuishare.agent.link.link_service import LinkService
from tuishare.api.messages import (
    Delivery,
    DeliveryState,
    Download,
    DownloadState,
    Handover,
    HandoverState,
    Link,
    ReceiptState,
    Share,
    Unanswered,
)
from tuishare.core.faults import read_fault
from tuishare.core.records import HandoverRecord
from tuishare.core.records import HandoverState as Recorded
from tuishare.people import User
from tuishare.sanitize import for_display

_RECEIPTS: Final = {
    Recorded.HANDED_OVER: ReceiptState.RECEIVED,
    Recorded.REFUSED: ReceiptState.REFUSED,
    Recorded.COMPLETE: ReceiptState.COMPLETE,
}


def view_links(service: LinkService) -> list[Link]:
    """Return the links to all contacts, open or not."""
    waiting = service.handovers.count_waiting()
    return [_link(service, signer, user, waiting[signer]) for signer, user in service.contacts.all().items()]


def _link(service: LinkService, signer: bytes, user: User, waiting: int) -> Link:
    record = service.contacts.record_of(signer)
    state = service.state_of(signer)
    return Link(
        user=user.name,
        since=state.since,
        away=state.away,
        called=state.called,
        addresses=record.addresses if record is not None else (),
        waiting=waiting,
        error=for_display(state.error, 300),
        tried=state.tried,
    )


def with_senders(downloads: list[Download], service: LinkService) -> list[Download]:
    """Return the downloads; those to which nothing comes tell whether the sender's agent answers."""
    signers = {user.name: signer for signer, user in service.contacts.all().items()}
    return [_with_sender(download, signers.get(download.sender), service) for download in downloads]


def _with_sender(download: Download, signer: bytes | None, service: LinkService) -> Download:
    if signer is None or download.state is not DownloadState.DOWNLOADING or download.peers:
        return download
    state = service.state_of(signer)
    if state.since or not state.tried:
        return download
    return msgspec.structs.replace(
        download, unanswered=Unanswered(addresses=state.addresses, tried=state.tried)
    )


def with_handovers(shares: list[Share], service: LinkService) -> list[Share]:
    """Return the shares with how their envelopes reach each recipient."""
    if not service.is_enabled:
        return shares
    return [_with_handovers(share, service) for share in shares]


def with_envelope(share: Share, envelope: str, outbox: Path) -> Share:
    """Return a share that names its envelope, a file in the outbox, while a person has to carry it; empty: none."""
    if not envelope or not any(delivery.must_be_carried for delivery in share.deliveries):
        return share
    return msgspec.structs.replace(share, envelope=f"{outbox}/{envelope}")  # thousands: no path for each


def _with_handovers(share: Share, service: LinkService) -> Share:
    records = {record.user: record for record in service.handovers.of(share.id)}
    if not records:
        return share
    return msgspec.structs.replace(
        share,
        deliveries=tuple(
            _with_handover(delivery, records.get(delivery.user), service) for delivery in share.deliveries
        ),
    )


def _with_handover(delivery: Delivery, record: HandoverRecord | None, service: LinkService) -> Delivery:
    if record is None or delivery.state is DeliveryState.REVOKED:
        return delivery
    return msgspec.structs.replace(delivery, handover=_handover(record, service))


def _handover(record: HandoverRecord, service: LinkService) -> Handover:
    detail = for_display(record.detail, 200)
    receipt, problem = _RECEIPTS.get(record.state) if record.receipt else None, read_fault(record.fault)
    match record.state:
        case Recorded.HANDED_OVER | Recorded.COMPLETE:
            return Handover(state=HandoverState.HANDED_OVER, at=record.at, receipt=receipt, problem=problem)
        case Recorded.REFUSED:
            return Handover(
                state=HandoverState.REFUSED, at=record.at, detail=detail, receipt=receipt, problem=problem
            )
        case Recorded.WAITING:
            known = service.contacts.record_of(record.recipient)
            if known is None or service.contacts.get(record.recipient) is None:
                return Handover()
            state = service.state_of(record.recipient)
            return Handover(
                state=HandoverState.WAITING,
                at=record.at,
                detail=detail,
                addresses=state.addresses,
                tried=state.tried,
                hub=record.hub,
            )
        case _ as never:
            assert_never(never)
