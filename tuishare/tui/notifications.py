"""What just happened that a person should hear of without looking.

Owns which events are told and their wording. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tuishare.api.messages import Activity, ActivityKind, Snapshot
from tuishare.tui.formats import clip, fit

MOST: Final = 3
"""How many are told one by one; of more, only the number is."""

_Severity = Literal["information", "warning", "error"]
_TOLD: Final[dict[ActivityKind, tuple[str, _Severity]]] = {
    ActivityKind.DELIVERED: ("Delivered", "information"),
    ActivityKind.RECEIVED: ("Received", "information"),
    ActivityKind.APPROVAL: ("Needs your approval", "warning"),
    ActivityKind.REVOKED: ("Revoked", "warning"),
    ActivityKind.REJECTED: ("Rejected", "warning"),
    ActivityKind.IGNORED: ("Left out", "warning"),
    ActivityKind.PROBLEM: ("Problem", "error"),
}
_SUBJECT: Final = 40
_DETAIL: Final = 120


@dataclass(frozen=True, slots=True)
class News:
    """One notification.

    Attributes:
        title: what kind of thing happened.
        words: made safe.
        severity: as Textual names it.
    """

    title: str
    words: str
    severity: _Severity


def find_news(before: Snapshot | None, after: Snapshot) -> tuple[News, ...]:
    """Give what is to be told about the step from one snapshot to the next, oldest first; nothing of the first one."""
    if before is None:
        return ()
    known = max((event.id for event in before.activity), default=0)
    told = [event for event in after.activity if event.id > known and event.kind in _TOLD]
    if len(told) > MOST:
        return (News(f"{len(told)} things happened", "The tab Activity lists them.", "information"),)
    return tuple(_tell(event) for event in reversed(told))


def _tell(event: Activity) -> News:
    title, severity = _TOLD[event.kind]
    words = fit(event.subject, _SUBJECT)
    return News(title, f"{words} · {clip(event.detail, _DETAIL)}" if event.detail else words, severity)
