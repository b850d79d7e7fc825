"""Opens a dialog over a dashboard with a fake agent, and reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from tests.tui.fakes import FakeAgent, dashboard, until
from tests.tui.people import known
from tuishare.api.messages import Snapshot
from tuishare.tui.app import Dashboard
from tuishare.tui.dashboard_base import DialogKind, OpenDialog, Subject
from tuishare.tui.screens.main_screen import MainScreen
from tuishare.tui.view import Connected

SMALL = (80, 24)


class Desk:
    """A dashboard with a dialog open."""

    def __init__(self, agent: FakeAgent, app: Dashboard, pilot: Pilot[None]) -> None:
        self.agent = agent
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> Screen[object]:
        return self.app.screen

    @property
    def closed(self) -> bool:
        return isinstance(self.app.screen, MainScreen)

    @property
    def words(self) -> str:
        return " ".join(str(static.content) for static in self.screen.query(Static) if static.display)

    @property
    def drawn(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def calls(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.agent.calls if call[0] == name]

    def fill(self, field: str, text: str) -> None:
        self.screen.query_one(f"#{field}", Input).value = text

    def fault(self, field: str) -> str:
        line = self.screen.query_one(f"#{field}-field").query_one(".fault", Static)
        return str(line.content) if line.display else ""

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def click(self, button: str) -> None:
        assert await self.pilot.click(f"#{button}"), f"{button} is out of sight"
        await self.pilot.pause()

    async def until_closed(self) -> None:
        await until(self.pilot, lambda: self.closed)

    async def until_said(self, words: str) -> None:
        await until(self.pilot, lambda: words in self.words)


@asynccontextmanager
async def opened(
    kind: str,
    about: tuple[Subject, ...] = (),
    *,
    snapshot: Snapshot | None = None,
    size: tuple[int, int] = SMALL,
) -> AsyncIterator[Desk]:
    agent = FakeAgent(snapshot or known())
    app = dashboard(agent)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        app.post_message(OpenDialog(DialogKind(kind), about))
        desk = Desk(agent, app, pilot)
        await until(pilot, lambda: not desk.closed)
        yield desk
