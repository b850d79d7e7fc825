"""The dashboard application.

Owns the one view, the clock and the worker that follows the agent. Handlers only set reactives; screens and widgets
watch them, because a query from here fails while a dialog is on top or everything is being torn down.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from tuishare.errors import SystemFailed, TuishareError
from tuishare.presentation.problems import explain_error, request_failed
from tuishare.tui.agent_api import AgentApi
from tuishare.tui.cell_text import clean
from tuishare.tui.commands import Deed, send, tell
from tuishare.tui.confirmations import ask_before
from tuishare.tui.dialogs import DIALOGS, Subject
from tuishare.tui.notifications import find_news, write_farewell
from tuishare.tui.rates import Rates
from tuishare.tui.screens.confirm import ConfirmScreen
from tuishare.tui.screens.main import MainScreen
from tuishare.tui.snapshot_stream import AgentLost, Backoff, Follower, Reader, SnapshotArrived
from tuishare.tui.theme import DARK, THEMES
from tuishare.tui.view import Live, Lost, View, take_snapshot


class Dashboard(App[None]):
    """Shows one agent, live.

    Args:
        reader: where snapshots come from, e.g. an open `tuishare.api.client.AgentClient`.
        agent: who answers questions and takes orders; that client, too.
        start_agent: starts an agent in the background and returns when it has been started; raises `TuishareError`.
        clock: Unix seconds.
        backoff: pauses between attempts to reach the agent.
        farewell: what to say on the terminal after quitting.
    """

    CSS_PATH = "tuishare.tcss"
    TITLE = "tuishare"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start agent"),
        Binding("q", "quit", "Quit"),
    ]

    view: reactive[View] = reactive(View())
    now: reactive[float] = reactive(0.0)

    def __init__(
        self,
        reader: Reader,
        agent: AgentApi,
        start_agent: Callable[[], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
        farewell: Callable[[View], str] = write_farewell,
    ) -> None:
        super().__init__()
        self.clock = clock
        self._farewell = farewell
        self.agent = agent
        self.rates = Rates()
        self._start_agent = start_agent
        self._follower = Follower(reader, self.post_message, clock, backoff)
        self._may_autostart = True
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name

    def get_default_screen(self) -> MainScreen:
        """Begin with the main screen."""
        return MainScreen()

    def on_mount(self) -> None:
        """Begin to follow the agent, once there is a first frame to look at."""
        self._tick()
        self.set_interval(1, self._tick)
        self.call_after_refresh(self.run_worker, self._follower.run(), name="follower")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to start the agent only while it is lost."""
        if action == "start":
            return isinstance(self.view.link, Lost)
        if action == "open_dialog":
            return parameters[0] in DIALOGS and isinstance(self.view.link, Live)
        return super().check_action(action, parameters)

    def watch_view(self, before: View, after: View) -> None:
        """Offer other keys when the agent is lost or found."""
        if type(before.link) is not type(after.link):
            self.refresh_bindings()

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Show what the agent says."""
        self._may_autostart = False
        for news in find_news(self.view.snapshot, message.snapshot):
            self.notify(news.words, title=news.title, severity=news.severity, markup=False)
        self.rates.record(message.snapshot, self.clock())
        self.view = take_snapshot(self.view, message.snapshot)

    def on_agent_lost(self, message: AgentLost) -> None:
        """Keep the last snapshot, as of when it was last known to be true; at the very beginning, start an agent."""
        lost, before = message.lost, self.view.link
        if isinstance(before, Lost):
            lost = Lost(before.since, lost.detail, lost.hint, lost.retry_at, lost.startable)
        self._tick()
        self.view = replace(self.view, link=lost)
        if self._may_autostart:
            self._may_autostart = False
            self.action_start()

    def action_start(self) -> None:
        """Start an agent, or only try again where one of another version answers."""
        link = self.view.link
        if isinstance(link, Lost) and link.startable:
            self.run_worker(self._start(), name="start", exclusive=True, group="start")
        else:
            self._follower.wake()

    def take_deeds(self, deeds: tuple[Deed, ...]) -> None:
        """Have the agent do the same with one entry or several, after a question where something would be lost."""
        question = ask_before(deeds)
        if question is None:
            self._begin_deeds(deeds)
        else:
            self.push_screen(
                ConfirmScreen(question), lambda agreed: self._begin_deeds(deeds) if agreed else None
            )

    def open_dialog(self, wish: str, about: tuple[Subject, ...] = ()) -> None:
        """Ask for more about a wish; `tuishare.tui.dialogs` says which there are."""
        DIALOGS[wish](self, about)

    def action_open_dialog(self, wish: str) -> None:
        """Open a dialog that is about nothing that is listed."""
        self.open_dialog(wish)

    async def action_quit(self) -> None:
        """Leave, and say on the terminal what became of the agent."""
        self.exit(message=Text(self._farewell(self.view)))

    def _begin_deeds(self, deeds: tuple[Deed, ...]) -> None:
        # At once, because the agent may take its time: deleting a large folder, for example.
        self.notify(tell(deeds), timeout=3, markup=False)
        self.run_worker(self._do(deeds), name="order", group="orders")

    async def _do(self, deeds: tuple[Deed, ...]) -> None:
        errors = [error for deed in deeds if (error := await self._do_one(deed))]
        if errors:
            self.tell_error(errors[0])
        if len(errors) > 1:
            words = f"{len(errors):,} of {len(deeds):,} orders failed. This was the first of them."
            self.notify(words, severity="error", timeout=10)

    async def _do_one(self, deed: Deed) -> TuishareError | None:
        try:
            await send(self.agent, deed)
        except TuishareError as error:
            return error
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            self.log.error(error)
            return request_failed()
        return None

    async def _start(self) -> None:
        self.notify("Starting the agent …", timeout=3)
        try:
            await self._start_agent()
        except TuishareError as error:
            self.tell_error(error)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            self.log.error(error)
            self.tell_error(SystemFailed("The agent could not be started", hint="Try: tuishare agent"))
        self._follower.wake()

    def tell_error(self, error: TuishareError) -> None:
        """Say what went wrong and what to do, as a notification."""
        words = clean(explain_error(error))
        self.notify(words, title=error.title, severity="error", timeout=10, markup=False)

    def _tick(self) -> None:
        self.now = self.clock()
