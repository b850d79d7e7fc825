"""Quotas: what a download has to wait for because of others, which is its sender's quota, a slot, or a waiting place.

Owns the rules and the sentences that name them. Pure: the caller decides what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tuishare.config.model import InboxSettings
from tuishare.config.units import format_size, parse_size
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.errors import Refused

_MUCH: Final = 1_000_000
"""Bytes of disk beyond its size from which on a payload's cost is shown."""


class WaitingRoomFull(Refused):
    """As many downloads wait for approval as may; this one can be taken when there is room.

    Attributes:
        record: of the download.
    """

    def __init__(self, detail: str, record: DownloadRecord) -> None:
        super().__init__(
            detail, hint="Approve or reject some of those that wait; this one is taken when there is room."
        )
        self.record = record


def sender_quota_problem(record: DownloadRecord, others: Iterable[DownloadRecord], quota: int) -> str:
    """Return a sentence when a sender exceeds their quota (threat T4), or an empty text.

    Args:
        record: of the download that is to begin.
        others: all downloads; only unfinished ones count.
        quota: bytes of disk; 0: no quota.
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
        f" the quota is {quota:,}"
    )


def slot_problem(active: int, limit: int) -> str:
    """Return a sentence when all slots are taken, or an empty text; a limit of 0 is none."""
    if not limit or active < limit:
        return ""
    return f"Queued: {active} of {limit} allowed downloads are active"


def waiting_room_problem(
    record: DownloadRecord, others: Iterable[DownloadRecord], rules: InboxSettings
) -> str:
    """Return a sentence when no more downloads may wait for approval (threat T1), or an empty text.

    Args:
        record: of the download that is to wait.
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
            return (
                f"{len(kept):,} encrypted torrents{whose} wait for your approval already, which is the limit"
            )
        weight, most = sum(other.weight for other in kept) + record.weight, parse_size(size)
        if most and weight > most:
            return (
                f"With it the encrypted torrents{whose} that wait for your approval"
                f" would take {format_size(weight)}, the limit is {format_size(most)}"
            )
    return ""


def describe_cost(record: DownloadRecord) -> str:
    """Return what a payload takes of the disk where that is far more than its size, or an empty text."""
    if record.cost < 2 * record.size or record.cost - record.size < _MUCH:
        return ""
    return f"its {record.entries:,} files and folders take {format_size(record.cost)} of the disk"
