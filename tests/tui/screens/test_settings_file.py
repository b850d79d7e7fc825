from __future__ import annotations

from textual.widgets import TextArea

from tests.tui.fakes import FakeAgent, dashboard, until
from tests.tui.people import known
from tests.tui.screens.dialogs import Desk
from tuishare.api.messages import SettingsText
from tuishare.errors import BadConfiguration
from tuishare.tui.screens.settings_file import SettingsFileScreen

FILE = SettingsText(text="# mine\nname = 'alice'\n", path="/home/alice/config.toml", stamp="s1")


async def test_it_is_checked_and_what_was_typed_stays() -> None:
    agent = FakeAgent(known())
    app = dashboard(agent)
    async with app.run_test(size=(80, 24)) as pilot:
        desk = Desk(agent, app, pilot)
        app.push_screen(SettingsFileScreen(FILE))
        await pilot.pause()
        await pilot.press(*"x = 1", "enter")
        agent.order_fails_with = BadConfiguration("line 1: unknown key x", hint="Correct it.")
        await pilot.press("ctrl+s")
        await desk.until_said("! line 1: unknown key x. Correct it.")
        typed = "x = 1\n# mine\nname = 'alice'\n"
        assert desk.screen.query_one(TextArea).text == typed
        agent.order_fails_with = None
        await desk.click("accept")
        await until(pilot, lambda: desk.closed)
        assert desk.calls("write_settings")[-1] == (SettingsText(text=typed, path=FILE.path, stamp="s1"),)
