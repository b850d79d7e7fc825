"""What a download has to wait for because of other ones: its sender's quota, and its turn.

Owns both rules, in words. Pure: whoever asks decides what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tuishare.agent.state.records import DownloadRecord, DownloadStep

_UNFINISHED: Final = frozenset(
    {DownloadStep.QUEUED, DownloadStep.DOWNLOADING, DownloadStep.DELIVERING, DownloadStep.PROBLEM}
)


def exceeds_quota(record: DownloadRecord, others: Iterable[DownloadRecord], quota: int) -> str:
    """Say in a sentence that a sender has too much under way here (threat T4); empty when he has not.

    Args:
        record: what he wants to send now.
        others: all downloads; what waits for approval takes nothing yet, and what is complete nothing more.
        quota: bytes; 0: none.
    """
    if not quota:
        return ""
    under_way = sum(
        other.size
        for other in others
        if other.sender == record.sender and other.id != record.id and other.step in _UNFINISHED
    )
    if under_way + record.size <= quota:
        return ""
    return f"With it {record.sender} would have {under_way + record.size:,} bytes under way, {quota:,} are the quota"


def lacks_turn(active: int, limit: int) -> str:
    """Say in a sentence that as many downloads as may are going on already; empty when not, or with a limit of 0."""
    if not limit or active < limit:
        return ""
    return f"It waits for its turn: {active} downloads are going on, no more than {limit} may"
