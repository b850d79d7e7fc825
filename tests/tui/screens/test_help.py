from __future__ import annotations

from textual.widgets import Static, TabbedContent

from tests.tui.fakes import FULL, FakeAgent, dashboard, until
from tuishare.tui.screens.help import HelpScreen
from tuishare.tui.screens.main_screen import TABS, MainScreen


async def test_help_opens_and_closes_and_never_quits() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        for closing in ("escape", "question_mark", "q", "enter"):
            await pilot.press("question_mark")
            assert isinstance(app.screen, HelpScreen)
            await pilot.press(closing)
            assert isinstance(app.screen, MainScreen), closing
            assert app.is_running


async def test_help_lists_every_key_that_the_footer_of_the_tab_shows() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(100, 50)) as pilot:
        await until(pilot, lambda: app.view.snapshot)
        for number, tab in enumerate(TABS, 1):
            await pilot.press(str(number))
            await until(pilot, lambda tab=tab: app.screen.query_one(TabbedContent).active == tab)  # type: ignore[misc]
            active = [item.binding for item in app.screen.active_bindings.values() if item.binding.show]
            shown = {binding.key_display or binding.key for binding in active} - {"ctrl+p"}
            await pilot.press("question_mark")
            assert isinstance(app.screen, HelpScreen)
            text = str(app.screen.query_one(Static).content)
            lines = [line for line in text.splitlines() if line.strip()]
            assert len(lines) == len(set(lines))
            assert len(shown) >= 4
            assert shown - {"?"} <= {word for line in text.splitlines() for word in line[:10].split()}, tab
            await pilot.press("escape")


async def test_help_closes_by_mouse() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("question_mark")
        await pilot.click("#keys")
        assert isinstance(app.screen, MainScreen)
