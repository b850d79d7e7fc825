from __future__ import annotations

import pytest
from textual.widgets import Static

from tests.tui.fakes import FULL, FakeAgent, dashboard, until
from tuishare.tui.screens.keys import KeysScreen
from tuishare.tui.screens.main import MainScreen
from tuishare.tui.widgets.pane import DownloadsPane, SharesPane


@pytest.mark.parametrize("closing", ["escape", "question_mark", "q", "enter"])
async def test_help_opens_and_closes_and_never_quits(closing: str) -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, KeysScreen)
        await pilot.press(closing)
        assert isinstance(app.screen, MainScreen)
        assert app.is_running


async def test_help_lists_every_key_of_the_footer() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("question_mark")
        text = str(app.screen.query_one(Static).content)
    owners = (MainScreen, type(app), SharesPane, DownloadsPane)
    bindings = [binding for owner in owners for binding in owner.BINDINGS]
    shown = {binding.key_display or binding.key for binding in bindings if not isinstance(binding, tuple)}
    assert shown == set("12/?sqfDax") | {"space"}
    assert all(key in {word for line in text.splitlines() for word in line[:10].split()} for key in shown)
