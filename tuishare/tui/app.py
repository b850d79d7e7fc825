"""The dashboard application.

Owns the clock, the worker that follows the agent, and the screens that messages of `tuishare.tui.dashboard_base`
request. Handlers only set reactives, which screens and widgets watch: a query from here fails while a dialog is on top
or while widgets are being removed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tuishare.api.service import AgentService
from tuishare.errors import SystemFailed, TuishareError
from tuishare.tui.confirmations import confirm
from tuishare.tui.dashboard_base import DashboardBase, DialogKind, OpenDialog, RunCommands
from tuishare.tui.dialogs import DIALOGS
from tuishare.tui.entry_commands import Command, announce, send
from tuishare.tui.notifications import find_toasts, write_farewell
from tuishare.tui.screens.confirm import ConfirmScreen
from tuishare.tui.screens.main_screen import MainScreen
from tuishare.tui.snapshot_stream import AgentLost, Backoff, Reader, SnapshotArrived, SnapshotStream
from tuishare.tui.theme import DARK, THEMES
from tuishare.tui.view import Connected, Lost, View, take_snapshot


class Dashboard(DashboardBase):
    """Shows one agent, live.

    Args:
        reader: where snapshots come from, such as an open `tuishare.api.client.AgentClient`.
        agent: answers requests and carries out commands; usually the same client.
        start_agent: starts an agent in the background and returns once it runs; raises `TuishareError`.
        clock: Unix seconds.
        backoff: pauses between attempts to connect.
        farewell: writes the line for the terminal after quitting.
    """

    CSS_PATH = "tuishare.tcss"
    TITLE = "tuishare"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start agent"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self,
        reader: Reader,
        agent: AgentService,
        start_agent: Callable[[], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
        farewell: Callable[[View], str] = write_farewell,
    ) -> None:
        super().__init__(agent, clock)
        self._farewell = farewell
        self._start_agent = start_agent
        self._stream = SnapshotStream(reader, self.post_message, clock, backoff)
        self._may_autostart = True
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name

    def get_default_screen(self) -> MainScreen:
        """Begin with the main screen."""
        return MainScreen()

    def on_mount(self) -> None:
        """Start to follow the agent after the first frame."""
        self._tick()
        self.set_interval(1, self._tick)
        self.call_after_refresh(self.run_worker, self._stream.run, name="stream")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to start the agent only while it is lost, and dialogs only while it is connected."""
        if action == "start":
            return isinstance(self.view.connection, Lost)
        if action == "open_dialog":
            return isinstance(self.view.connection, Connected)
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Offer themes and quitting in the palette; the other commands of Textual have keys of their own here."""
        yield SystemCommand("Theme", "dark, light or without colour", self.action_change_theme)
        yield SystemCommand("Quit", "the agent keeps running", self.action_quit)

    def watch_view(self, before: View, after: View) -> None:
        """Update the offered keys when the agent is lost or found, unless the app is quitting."""
        if type(before.connection) is not type(after.connection) and self.screen_stack:
            self.refresh_bindings()

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Show the new snapshot and announce its events."""
        self._may_autostart = False
        for toast in find_toasts(self.view.snapshot, message.snapshot):
            self.notify(toast.words, title=toast.title, severity=toast.severity, markup=False)
        self.rates.record(message.snapshot, self.clock())
        self.view = take_snapshot(self.view, message.snapshot)

    def on_agent_lost(self, message: AgentLost) -> None:
        """Keep the last snapshot and its age; start an agent if none has answered since the dashboard opened."""
        lost, before = message.lost, self.view.connection
        if isinstance(before, Lost):
            lost = Lost(before.since, lost.detail, lost.hint, lost.retry_at, lost.startable)
        self._tick()
        self.view = replace(self.view, connection=lost)
        if self._may_autostart:
            self._may_autostart = False
            self.action_start()

    def action_start(self) -> None:
        """Start an agent, or only connect again where one of another version answers."""
        connection = self.view.connection
        if isinstance(connection, Lost) and connection.startable:
            self.run_worker(self._start(), name="start", exclusive=True, group="start")
        else:
            self._stream.wake()

    def action_open_dialog(self, kind: str) -> None:
        """Open a dialog that is not about an entry."""
        self.post_message(OpenDialog(DialogKind(kind)))

    async def action_quit(self) -> None:
        """Quit, and print on the terminal what the agent does from now on."""
        self.exit(message=Text(self._farewell(self.view)))

    @on(OpenDialog)
    def _open_dialog(self, request: OpenDialog) -> None:
        DIALOGS[request.kind](self, request.about)

    @on(RunCommands)
    def _run_commands(self, request: RunCommands) -> None:
        commands = request.commands
        confirmation = confirm(commands)
        if confirmation is None:
            self._begin(commands)
        else:
            self.push_screen(
                ConfirmScreen(confirmation), lambda agreed: self._begin(commands) if agreed else None
            )

    def _begin(self, commands: tuple[Command, ...]) -> None:
        # Announced first: the agent may need long, for example to delete a large folder.
        self.notify(announce(commands), timeout=3, markup=False)
        self.run_worker(self._send(commands), name="commands", group="commands")

    async def _send(self, commands: tuple[Command, ...]) -> None:
        errors = [error for command in commands if (error := await self._send_one(command))]
        if errors:
            self.notify_error(errors[0])
        if len(errors) > 1:
            words = f"{len(errors):,} of {len(commands):,} commands failed; this was the first error."
            self.notify(words, severity="error", timeout=10)

    async def _send_one(self, command: Command) -> TuishareError | None:
        try:
            await send(self.agent, command)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            return self.make_presentable(error)
        return None

    async def _start(self) -> None:
        self.notify("Starting the agent …", timeout=3)
        try:
            await self._start_agent()
        except TuishareError as error:
            self.notify_error(error)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            self.log.error(error)
            self.notify_error(SystemFailed("The agent could not be started", hint="Try: tuishare agent"))
        self._stream.wake()

    def _tick(self) -> None:
        self.now = self.clock()
