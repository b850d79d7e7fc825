"""The dashboard of a home: one that greets whoever is new, and has every action in its palette.

Owns what a person has beyond the bare `Dashboard`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.app import App

from tuishare.tui.agent_api import AgentApi
from tuishare.tui.app import Dashboard
from tuishare.tui.first_run_flag import Greeting
from tuishare.tui.palette import Actions
from tuishare.tui.snapshot_stream import Reader, SnapshotArrived


class HomeDashboard(Dashboard):
    """Shows the agent of a home.

    Args:
        reader: see `Dashboard`, as the next two.
        agent: who answers questions.
        start_agent: starts one.
        greeting: remembers whether the first run was seen.
    """

    COMMANDS = App.COMMANDS | {Actions}

    def __init__(
        self, reader: Reader, agent: AgentApi, start_agent: Callable[[], Awaitable[None]], greeting: Greeting
    ) -> None:
        super().__init__(reader, agent, start_agent)
        self._greeting = greeting
        self._greeted = False

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Greet once, when it is known that somebody is new; Textual calls this besides that of `Dashboard`."""
        if not self._greeted:
            self._greeted = True
            if self._greeting.is_due(message.snapshot):
                from tuishare.tui.screens.first_run import NameScreen  # once in a home's life

                self._greeting.remember()
                self.push_screen(NameScreen(message.snapshot))
