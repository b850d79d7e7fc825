"""``tuishare activity``: what happened.

Owns how it is worded. The agent's messages are printed as they are with ``--json``.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from tuishare.api.messages import ActivityKind
from tuishare.cli.agent import ask_agent
from tuishare.cli.terminal import print_rows, say

_WORDS: Final = {ActivityKind.APPROVAL: "waits for approval"}


def print_activity(limit: int, *, as_json: bool) -> None:
    """Print the last things that happened: newest last as a table, newest first as JSON."""
    events = ask_agent(lambda client: client.activity(limit))
    if as_json:
        print(msgspec.json.encode(events).decode())
        return
    if not events:
        say("Nothing has happened yet.")
        return
    rows = [
        (_moment(event.at), _WORDS.get(event.kind, event.kind.value), event.subject, event.detail)
        for event in reversed(events)
    ]
    print_rows(("when", "what", "name", "details"), rows)


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
