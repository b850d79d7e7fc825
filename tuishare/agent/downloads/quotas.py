"""What a download has to wait for because of other ones: its sender's quota, its turn, room in the waiting list.

Owns the rules, in words. Pure: the caller decides what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tuishare.config.model import InboxSettings
from tuishare.config.units import format_size, parse_size
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import Refused

_MUCH: Final = 1_000_000
"""Bytes by which a payload has to take more than it holds before that is said."""


class WaitingRoomFull(Refused):
    """As many envelopes wait for approval as may; this one can be taken when there is room.

    Attributes:
        record: what the envelope would become.
    """

    def __init__(self, detail: str, record: DownloadRecord) -> None:
        super().__init__(
            detail, hint="Approve or reject some of those that wait; this one is taken when there is room."
        )
        self.record = record


def sender_quota_problem(record: DownloadRecord, others: Iterable[DownloadRecord], quota: int) -> str:
    """Say in a sentence that a sender has too much under way here (threat T4); empty when that is not so.

    Args:
        record: what the sender wants to send now.
        others: all downloads; what waits for approval takes nothing yet, and what is complete nothing more.
        quota: bytes of disk; 0: none.
    """
    if not quota:
        return ""
    under_way = sum(
        other.cost
        for other in others
        if other.sender == record.sender and other.id != record.id and other.step.is_unfinished
    )
    if under_way + record.cost <= quota:
        return ""
    return (
        f"With it {record.sender} would have {under_way + record.cost:,} bytes of disk under way,"
        f" {quota:,} are the quota"
    )


def slot_problem(active: int, limit: int) -> str:
    """Say in a sentence that as many downloads as may are going on already; empty when not, or with a limit of 0."""
    if not limit or active < limit:
        return ""
    return f"It waits for its turn: {active} downloads are going on, no more than {limit} may"


def waiting_room_problem(
    record: DownloadRecord, others: Iterable[DownloadRecord], rules: InboxSettings
) -> str:
    """Say in a sentence that no more may wait for approval (threat T1); empty when one more may.

    Args:
        record: what is to wait.
        others: all downloads.
        rules: the bounds.
    """
    waiting = [other for other in others if other.step is DownloadStep.WAITING and other.id != record.id]
    alike = [other for other in waiting if other.sender == record.sender]
    bounds = (
        (f" from {record.sender}", alike, rules.waiting_per_sender, rules.waiting_size_per_sender),
        ("", waiting, rules.waiting, rules.waiting_size),
    )
    for whose, kept, number, size in bounds:
        if number and len(kept) >= number:
            return f"{len(kept):,} encrypted torrents{whose} wait for your approval already, no more may"
        weight, most = sum(other.weight for other in kept) + record.weight, parse_size(size)
        if most and weight > most:
            return (
                f"With it the encrypted torrents{whose} that wait for your approval"
                f" would take {format_size(weight)}, no more than {format_size(most)} may"
            )
    return ""


def describe_cost(record: DownloadRecord) -> str:
    """Say what a payload takes of the disk where that is far more than it holds; empty where it is not."""
    if record.cost < 2 * record.size or record.cost - record.size < _MUCH:
        return ""
    return f"its {record.entries:,} files and folders take {format_size(record.cost)} of the disk"
