from __future__ import annotations

from tests.tui.fakes import FakeAgent, dashboard
from tests.tui.people import HOSTILE, known
from tuishare.tui.screens.key_dialog import KeyDialog

KEY = "ab" * 32


async def test_a_hasty_enter_copies_and_only_escape_or_the_button_closes() -> None:
    app = dashboard(FakeAgent(known()))
    async with app.run_test() as pilot:
        for last in ("escape", "#close"):
            app.push_screen(KeyDialog(HOSTILE, KEY))
            await pilot.pause()
            app.copy_to_clipboard("")
            await pilot.press("enter")
            assert app.clipboard == KEY
            assert isinstance(app.screen, KeyDialog)
            await (pilot.click(last) if last[0] == "#" else pilot.press(last))
            assert not isinstance(app.screen, KeyDialog)
