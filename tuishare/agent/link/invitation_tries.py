"""Those who hold an invitation and are not let in: what they are told, and what the user is told of them.

Owns the bound on the latter: the holder of a leaked string can make as many cards as they like (threat T19). Must not
decide who is let in.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from tuishare.agent.state.activity_log import ActivityLog
from tuishare.core.activity import ActivityKind
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinerState
from tuishare.link.messages import NotAdmitted, NotAdmittedReason
from tuishare.net.rate_limit import RateLimit
from tuishare.people.cards import split_card

LISTED_AT_ONCE: Final = 5
_LISTED_RATE: Final = 1 / 3600
"""Tries of one invitation, and people who ask by it, with an entry in the activity log at once, and a second after."""
_MOST_INVITATIONS: Final = 4096
_TOLD: Final[dict[NotAdmittedReason, str]] = {
    "approval": "asks to join",
    "declined": "asks again to join, and was declined",
    "used": "tried an invitation that was used",
    "ended": "tried an invitation that has ended",
    "replaced": "tried an invitation of your former keys",
    "card": "tried an invitation with a card that has a key of another user",
}


def next_state(reason: NotAdmittedReason) -> JoinerState:
    """Return the state of one who is not let in."""
    states: dict[NotAdmittedReason, JoinerState] = {
        "approval": JoinerState.ASKS,
        "declined": JoinerState.DECLINED,
    }
    return states.get(reason, JoinerState.TRIED)


def make_answer(
    record: InvitationRecord,
    joiners: Iterable[JoinerRecord],
    known: JoinerRecord | None,
    reason: NotAdmittedReason,
) -> NotAdmitted:
    """Return what one who is not let in is told: of an invitation for one person also who used it, and when."""
    if reason == "used" and record.uses == 1:
        for joiner in joiners:
            if joiner.state.is_use:
                card, _ = split_card(joiner.card)
                return NotAdmitted(reason, joiner.at, card.fingerprint.digest)
    if reason == "ended":
        return NotAdmitted(reason, record.until)
    return NotAdmitted(reason, known.at if reason == "declined" and known is not None else 0)


class InvitationTries:
    """What the activity log says about those who are not let in."""

    def __init__(self, activity: ActivityLog) -> None:
        self._activity = activity
        self._limit = RateLimit[tuple[bytes, ActivityKind]](
            LISTED_AT_ONCE, _LISTED_RATE, _MOST_INVITATIONS, time.monotonic
        )
        self._unlisted: Counter[tuple[bytes, ActivityKind]] = Counter()

    def note(self, step: JoinerRecord, reason: NotAdmittedReason) -> None:
        """Tell of a new try; of many in a short time only how many there were, with the next one that is told."""
        kind = ActivityKind.APPROVAL if reason == "approval" else ActivityKind.REJECTED
        key = step.invitation, kind
        if not self._limit.take(key):
            self._unlisted[key] += 1
            return
        unlisted = self._unlisted.pop(key, 0)
        more = f"; {unlisted:,} more before, `tuishare invite cancel` ends it" if unlisted else ""
        detail = f"{_TOLD[reason]}, from {step.host}; words: {step.words}{more}"
        self._activity.note(kind, step.called, detail)
