"""``tuishare activity``: the activity log.

Owns the columns of the table; the texts come from `tuishare.presentation`.
"""

from __future__ import annotations

from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import print_rows, say
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.states import name_activity


def print_activity(limit: int, *, as_json: bool) -> None:
    """Print the last entries of the activity log: newest last as a table, newest first as JSON."""
    events = ask_agent(lambda client: client.activity(limit))
    if as_json:
        print_json(events)
        return
    if not events:
        say("Nothing has happened yet.")
        return
    rows = [
        (format_timestamp(event.at, seconds=True), name_activity(event.kind), event.subject, event.detail)
        for event in reversed(events)
    ]
    print_rows(("when", "what", "name", "details"), rows)
