"""``tuishare`` without a command: the dashboard, with an agent in the background."""

from __future__ import annotations

import asyncio
import sys

from tuishare.api.client import AgentClient
from tuishare.cli.agent import start_in_background
from tuishare.cli.terminal import is_terminal
from tuishare.errors import BadInput
from tuishare.fs.flag_file import FlagFile
from tuishare.home_paths import find_places


def require_terminal() -> None:
    """Require a terminal.

    Raises:
        BadInput: this is not a terminal.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise BadInput("The dashboard needs a terminal", hint="`tuishare status` works without one.")


def run_dashboard() -> None:
    """Show the dashboard until the user quits; the agent continues.

    Raises:
        BadInput: this is not a terminal.
    """
    require_terminal()
    asyncio.run(_run())


async def _run() -> None:
    from tuishare.tui.live_app import HomeDashboard

    places = find_places()
    async with AgentClient.of_home(places) as client:
        first_run_seen = FlagFile(places.first_run_file)
        await HomeDashboard(client, client, start_in_background, first_run_seen).run_async()
