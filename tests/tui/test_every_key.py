"""Every key that the footer or the help names does something, and Escape leaves what it opens."""

from __future__ import annotations

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui.fakes import FakeAgent, dashboard, until
from tests.tui.tables import count_rows
from tests.tui.test_looks import DOWNLOADS, SHARES
from tests.tui.widgets.test_panes import WHOLE
from tuishare.api.messages import Snapshot
from tuishare.tui.app import Dashboard
from tuishare.tui.screens.main_screen import TABS, MainScreen
from tuishare.tui.view import Connected
from tuishare.tui.widgets.footer import Footer

BUSY: Snapshot = msgspec.structs.replace(WHOLE, shares=SHARES, downloads=DOWNLOADS)
EMPTY: Snapshot = msgspec.structs.replace(
    BUSY, shares=(), downloads=(), people=msgspec.structs.replace(BUSY.people, users=()), activity=()
)
ROOMY = (240, 40)
LEAVING = "q"


def traces(app: Dashboard, agent: FakeAgent) -> tuple[object, ...]:
    """What a key may change: screen, focus, calls of the agent, notifications, clipboard."""
    screen, told = app.screen, [call for call in agent.calls if not str(call[0]).endswith("_details")]
    rows = count_rows(screen.pane.table) if isinstance(screen, MainScreen) else 0
    notices = [notice.message for notice in app._notifications]
    return screen, rows, app.focused, agent.orders[:], told, notices, app.clipboard


async def back(app: Dashboard, pilot: Pilot[None], key: str) -> None:
    """Escape to the table; clear notifications and clipboard."""
    for _ in range(4):
        if isinstance(app.screen, MainScreen) and app.focused is app.screen.pane.table:
            break
        await pilot.press("escape")
        await pilot.pause()
    else:
        pytest.fail(f"{key} opens what Escape does not leave")
    app.clear_notifications()
    app.copy_to_clipboard("")


@pytest.mark.parametrize("told", [BUSY, EMPTY], ids=["busy", "empty"])
@pytest.mark.parametrize("tab", range(1, len(TABS) + 1))
async def test_every_named_key_does_something(tab: int, told: Snapshot) -> None:
    agent = FakeAgent(told)
    app = dashboard(agent)
    async with app.run_test(size=ROOMY) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        await pilot.press(str(tab), "g")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        tried = {(LEAVING, f"{LEAVING} Quit")}
        for _ in range(max(1, count_rows(screen.pane.table))):
            for key, line in screen.query_one(Footer).named.items():
                if (key, line) in tried or key not in screen.query_one(Footer).named:
                    continue  # its entry may be gone
                tried.add((key, line))
                before = traces(app, agent)
                await pilot.press(key)
                await pilot.pause()
                assert traces(app, agent) != before, f"{key} does nothing in {TABS[tab - 1]}"
                await back(app, pilot, key)
            await pilot.press("j")
        await pilot.press(LEAVING)
        assert app._exit
