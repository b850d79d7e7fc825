"""The text about a folder of the agent, a current problem, or a past event.

Owns its wording and order. Pure; untrusted text is made safe here.
"""

from __future__ import annotations

from typing import assert_never

from textual.content import Content

from tuishare.api.messages import Activity, FolderState, Problem, Snapshot
from tuishare.presentation.formats import format_count, format_moment, format_size
from tuishare.presentation.row_models import AgentFolder, EventRow
from tuishare.presentation.states import (
    ENVELOPE_EXPLAINED,
    FolderRole,
    explain_folder_role,
    explain_folder_state,
    explain_others,
)
from tuishare.tui.cell_text import clean
from tuishare.tui.cells import Cell
from tuishare.tui.describe.lines import write_fact, write_hint, write_title
from tuishare.tui.people_columns import event_kind, event_sign, event_subject
from tuishare.tui.theme import TextStyle


def describe_folder(folder: AgentFolder, snapshot: Snapshot, _now: float, _width: int) -> Content:
    """Return the text about a folder."""
    lines = [write_title(folder.path), Content(explain_folder_role(folder.role))]
    if folder.role in {FolderRole.INBOX, FolderRole.OUTBOX}:
        lines.append(Content.styled(ENVELOPE_EXPLAINED, TextStyle.QUIET.value))
    if folder.role is FolderRole.INBOX and (others := explain_others(snapshot.status)):
        lines.append(Content(others))
    if drop := folder.drop:
        missing = drop.state is FolderState.MISSING
        lines += [
            write_fact("For", ", ".join(map(clean, drop.users))),
            write_fact("Waiting", f"{format_count(drop.waiting, 'entry', 'entries')} not shared yet"),
            Content.styled(
                explain_folder_state(drop.state, drop.poll_reason),
                (TextStyle.BAD if missing else TextStyle.QUIET).value,
            ),
        ]
    if folder.free is not None:
        lines.append(write_fact("Free", format_size(folder.free)))
    return Content("\n").join(lines)


def describe_event(event: EventRow, _snapshot: Snapshot, now: float, _width: int) -> Content:
    """Return the text about a past event or a current problem."""
    sign = event_sign(event)
    lines = [
        write_title(event_subject(event), before=Cell(f"{sign.text} {event_kind(event).text}", sign.tone)),
        Content(clean(event.detail)),
    ]
    match event:
        case Problem():
            lines += [
                write_fact("Since", format_moment(event.since, now)),
                *write_hint(event.hint),
                Content.styled("x hides it; the problem remains.", TextStyle.QUIET.value),
            ]
        case Activity():
            lines.append(write_fact("When", format_moment(event.at, now)))
        case _:
            assert_never(event)
    return Content("\n").join(lines)
