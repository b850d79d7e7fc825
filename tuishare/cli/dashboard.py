"""``tuishare`` alone: the dashboard, with an agent behind it."""

from __future__ import annotations

import asyncio

from tuishare.api.client import AgentClient
from tuishare.cli.agent import start_in_background
from tuishare.errors import BadInput
from tuishare.paths import Places, find_places


def run_dashboard(places: Places | None = None) -> None:
    """Show the dashboard until it is quit; the agent stays.

    Raises:
        BadInput: this is not a terminal.
    """
    import sys

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput("The dashboard needs a terminal", hint="`tuishare status` works without one.")
    asyncio.run(_run(places or find_places()))


async def _run(places: Places) -> None:
    from tuishare.tui.app import Dashboard

    async with AgentClient(places.socket) as client:
        await Dashboard(client, lambda: start_in_background(places)).run_async()
