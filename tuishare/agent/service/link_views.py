"""Links and handovers as clients see them.

Owns the conversion of what the link keeps into messages. Must not change anything.
"""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from tuishare.agent.link.link_service import LinkService
from tuishare.api.messages import Delivery, DeliveryState, Handover, HandoverState, Link, ReceiptState, Share
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
    return [_link(service, signer, user) for signer, user in service.contacts.all().items()]


def _link(service: LinkService, signer: bytes, user: User) -> Link:
    record = service.contacts.record_of(signer)
    state = service.state_of(signer)
    return Link(
        user=user.name,
        since=state.since,
        called=state.called,
        addresses=len(record.addresses) if record is not None else 0,
        waiting=len(service.handovers.waiting(signer)),
        error=for_display(state.error, 300),
        tried=state.tried,
    )


def with_handovers(shares: list[Share], service: LinkService) -> list[Share]:
    """Return the shares with how their envelopes reach each recipient."""
    if not service.is_enabled:
        return shares
    return [_with_handovers(share, service) for share in shares]


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
            )
        case _ as never:
            assert_never(never)
