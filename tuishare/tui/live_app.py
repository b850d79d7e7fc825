"""The dashboard of a home: `Dashboard` with the first run of a new home, and every action in the palette.

Owns both additions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from textual.app import App

from tuishare.api.messages import Snapshot
from tuishare.api.service import AgentService
from tuishare.tui.app import Dashboard
from tuishare.tui.palette import Actions
from tuishare.tui.snapshot_stream import Reader, SnapshotArrived


class Flag(Protocol):
    """A yes-or-no that outlives the dashboard; `tuishare.fs.flag_file.FlagFile` is one."""

    @property
    def is_set(self) -> bool:
        """Whether it was set."""

    def set(self) -> None:
        """Set it."""


class HomeDashboard(Dashboard):
    """Shows the agent of a home.

    Args:
        reader: see `Dashboard`, as the next two.
        agent: answers requests and carries out commands.
        start_agent: starts an agent.
        first_run_seen: whether this home has shown its first run.
    """

    COMMANDS = App.COMMANDS | {Actions}

    def __init__(
        self,
        reader: Reader,
        agent: AgentService,
        start_agent: Callable[[], Awaitable[None]],
        first_run_seen: Flag,
    ) -> None:
        super().__init__(reader, agent, start_agent)
        self._first_run_seen = first_run_seen
        self._has_begun = False

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Open the first run with the first snapshot of a new home; Textual also calls the method of `Dashboard`."""
        if not self._has_begun:
            self._has_begun = True
            if is_new(message.snapshot) and not self._first_run_seen.is_set:
                from tuishare.tui.screens.first_run import NameScreen

                self._first_run_seen.set()
                self.push_screen(NameScreen(message.snapshot))


def is_new(snapshot: Snapshot) -> bool:
    """Return whether a home has neither users nor drop folders."""
    return not snapshot.people.users and not snapshot.status.drop_folders
