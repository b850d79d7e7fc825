"""Activity: what needs attention, and what happened."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import Activity, ActivityKind, Problem
from tuishare.presentation.problems import NEEDS_ATTENTION
from tuishare.presentation.row_models import EventRow, list_events
from tuishare.presentation.states import name_activity
from tuishare.web.live_list import LiveList
from tuishare.web.visit import LiveStream, Page, Visit


def kind_of(event: EventRow) -> str:
    """Return the kind of an event, two words at most."""
    return NEEDS_ATTENTION if isinstance(event, Problem) else name_activity(event.kind)


def _words(event: EventRow) -> str:
    subject = event.subject if isinstance(event, Activity) else event.title
    return f"{kind_of(event)} {subject} {event.detail}"


ACTIVITY: Final = LiveList(
    "event_row",
    list_events,
    lambda event: f"!{event.id}" if isinstance(event, Problem) else str(event.id),
    _words,
    into="rows",
)


async def list_activity(visit: Visit) -> Page:
    """Show current problems, then events, newest first."""
    kinds = [NEEDS_ATTENTION, *dict.fromkeys(map(name_activity, ActivityKind))]
    return ACTIVITY.show(visit, await visit.agent.snapshot(), "activity", "/activity/live", {"kinds": kinds})


async def follow_activity(visit: Visit) -> LiveStream:
    """Keep the list current."""
    return ACTIVITY.follow(visit)
