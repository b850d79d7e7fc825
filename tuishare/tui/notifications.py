"""What the dashboard reports: notifications of events, the banner above the tables, and the line after quitting.

Owns which events are announced, and the wording. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, assert_never

from textual.content import Content

from tuishare.api.messages import Activity, ActivityKind, Problem, Snapshot
from tuishare.presentation.formats import format_span
from tuishare.presentation.problems import write_sentence
from tuishare.presentation.states import name_activity
from tuishare.tui.cell_text import clean, clip, fit
from tuishare.tui.theme import TextStyle
from tuishare.tui.view import Connected, Connecting, Lost, View

MOST: Final = 3
"""Events that are announced one by one; of more, only their number is."""

_Severity = Literal["information", "warning", "error"]
_SEVERITIES: Final[dict[ActivityKind, _Severity]] = {
    ActivityKind.DELIVERED: "information",
    ActivityKind.RECEIVED: "information",
    ActivityKind.JOINED: "information",
    ActivityKind.APPROVAL: "warning",
    ActivityKind.INTRODUCED: "information",
    ActivityKind.REVOKED: "warning",
    ActivityKind.REJECTED: "warning",
    ActivityKind.IGNORED: "warning",
    ActivityKind.PROBLEM: "error",
}
"""The kinds that are announced; the others follow from what the user has just done."""

_SUBJECT: Final = 40
_DETAIL: Final = 120


@dataclass(frozen=True, slots=True)
class Toast:
    """One notification.

    Attributes:
        title: kind of event.
        words: made safe.
        severity: as Textual names it.
    """

    title: str
    words: str
    severity: _Severity


def find_toasts(before: Snapshot | None, after: Snapshot) -> tuple[Toast, ...]:
    """Return what is new from one snapshot to the next, oldest first; nothing for the first snapshot."""
    if before is None:
        return ()
    known = max((event.id for event in before.activity), default=0)
    new = [event for event in after.activity if event.id > known and event.kind in _SEVERITIES]
    if len(new) > MOST:
        return (Toast(f"{len(new)} events", "See the tab Activity.", "information"),)
    return tuple(_announce(event) for event in reversed(new))


def write_banner(view: View, now: float) -> Content | None:
    """Return what is wrong now (Unix seconds), most severe first; None when nothing is."""
    if isinstance(view.connection, Lost):
        return _write_lost(view.connection, now, stale=view.snapshot is not None)
    return _write_problem(view.problems) if view.problems else None


def write_farewell(view: View) -> str:
    """Return what the agent does after the dashboard has closed, for the terminal."""
    match view.connection:
        case Lost(detail=detail, hint=hint):
            return f"{_sentence(detail)} {_sentence(hint)}".rstrip()
        case Connected():
            return "The agent keeps running. Stop it with: tuishare stop"
        case Connecting():
            return "The agent has not answered yet. Check it with: tuishare status"
        case _:
            assert_never(view.connection)


def _announce(event: Activity) -> Toast:
    words = fit(event.subject, _SUBJECT)
    if event.detail:
        words = f"{words} · {clip(event.detail, _DETAIL)}"
    return Toast(name_activity(event.kind).capitalize(), words, _SEVERITIES[event.kind])


def _write_lost(lost: Lost, now: float, *, stale: bool) -> Content:
    age = f" What you see is {format_span(now - lost.since)} old." if stale else ""
    key = "s start it" if lost.startable else "s try again"
    return Content.assemble(
        (f"! Agent lost.{age}", TextStyle.BAD.value),
        f" {_sentence(lost.detail)} {_sentence(lost.hint)}\n",
        (key, TextStyle.STRONG.value),
        (f" · next try in {format_span(lost.retry_at - now)}", TextStyle.QUIET.value),
    )


def _write_problem(problems: tuple[Problem, ...]) -> Content:
    first, more = problems[0], len(problems) - 1
    return Content.assemble(
        (f"! {_sentence(first.title)}", TextStyle.BAD.value),
        f" {_sentence(first.detail)}",
        (f" {_sentence(first.hint)}" if first.hint else "", TextStyle.WARN.value),
        (f" (and {more} more)" if more else "", TextStyle.QUIET.value),
    )


def _sentence(text: str) -> str:
    return write_sentence(clean(text))
