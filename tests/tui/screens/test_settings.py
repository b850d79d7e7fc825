from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, TextArea

from tests.tui.fakes import GONE, FakeAgent, dashboard, until
from tests.tui.people import known
from tests.tui.screens.dialogs import Desk, opened
from tuishare.api.messages import SettingChange, SettingsText
from tuishare.config.model import Config
from tuishare.errors import BadConfiguration, BadInput
from tuishare.presentation.settings_fields import DESKTOP, SETTINGS, read_settings
from tuishare.tui.dashboard_base import DialogKind, OpenDialog
from tuishare.tui.screens.main_screen import MainScreen
from tuishare.tui.screens.recipients import MarkCheckbox
from tuishare.tui.screens.settings import SettingsFileScreen
from tuishare.tui.view import Connected

TEXT = 'name = "alice"\n[limits]\nupload = "5MiB"\n[notifications]\ndesktop = false\n'
FILE = SettingsText(text="# mine\nname = 'alice'\n", path="/home/alice/config.toml", stamp="s1")


def test_what_the_file_says_and_else_the_defaults() -> None:
    values = read_settings(TEXT)
    assert (values["name"], values["limits.upload"], values["limits.download"]) == ("alice", "5MiB", "0")
    assert values["notifications.desktop"] == "false"
    assert read_settings("[[[ not TOML")["network.listen"] == ":50007"
    assert read_settings('limits = "odd"')["limits.upload"] == "0"


@pytest.mark.parametrize("setting", [*SETTINGS, DESKTOP], ids=lambda setting: setting.key)
def test_each_field_is_a_setting_with_the_default_that_holds(setting: object) -> None:
    assert isinstance(setting, type(DESKTOP))
    value: object = msgspec.to_builtins(Config())
    for part in setting.key.split("."):
        assert isinstance(value, dict)
        value = value[part]
    assert setting.default == (str(value).lower() if isinstance(value, bool) else str(value))
    template = Path("config/tuishare.toml").read_text()
    assert f"{setting.key.rsplit('.', maxsplit=1)[-1]} = " in template
    tomllib.loads(template)


async def test_a_default_leaves_room_to_say_what_can_stand_there() -> None:
    async with opened("settings") as desk:
        name, seed_days = (desk.screen.query_one(f"#{key}", Input) for key in ("name", "downloads-seed_days"))
        assert (seed_days.value, seed_days.placeholder[:10]) == ("", "7.0 · days")
        assert name.value == "alice"
        assert all(len(setting.label) <= 12 for setting in SETTINGS)


async def test_only_what_changed_is_sent() -> None:
    async with opened("settings") as desk:
        desk.fill("limits-upload", "1MiB")
        desk.screen.query_one(MarkCheckbox).value = False
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("change_setting") == [
            (SettingChange(key="limits.upload", value="1MiB"),),
            (SettingChange(key="notifications.desktop", value="false"),),
        ]


async def test_a_field_made_empty_is_the_default_again() -> None:
    async with opened("settings") as desk:
        desk.fill("network-listen", ":1")
        await desk.press("ctrl+s")
        await desk.until_closed()
        desk.agent.text = SettingsText(text='[network]\nlisten = ":1"\n')
        desk.app.post_message(OpenDialog(DialogKind.SETTINGS))
        await until(desk.pilot, lambda: not desk.closed)
        assert desk.screen.query_one("#network-listen", Input).value == ":1"
        desk.fill("network-listen", "")
        desk.agent.calls.clear()
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("change_setting") == [(SettingChange(key="network.listen", value=":50007"),)]


async def test_a_refusal_stands_beside_its_field_and_what_was_taken_is_not_sent_again() -> None:
    async with opened("settings") as desk:
        desk.fill("name", "bert")
        desk.fill("limits-upload", "fast")

        async def choosy(change: SettingChange) -> object:
            desk.agent.calls.append(("change_setting", change))
            if change.value == "fast":
                raise BadInput("'fast' is not a size", hint="Write 5MiB.")
            return await FakeAgent().change_setting(change)

        desk.agent.change_setting = choosy  # type: ignore[method-assign, assignment]
        await desk.press("ctrl+s")
        await desk.until_said("Write 5MiB")
        assert "'fast' is not a size" in desk.fault("limits-upload")
        assert desk.screen.query_one("#limits-upload", Input).value == "fast"
        desk.fill("limits-upload", "1MiB")
        await desk.press("ctrl+s")
        await desk.until_closed()
        keys = [call[0].key for call in desk.calls("change_setting") if isinstance(call[0], SettingChange)]
        assert keys == ["name", "limits.upload", "limits.upload"]


async def test_the_file_itself() -> None:
    async with opened("settings") as desk:
        await desk.press("ctrl+t")
        await until(desk.pilot, lambda: isinstance(desk.screen, SettingsFileScreen))
        assert "config.toml" in desk.words


async def test_without_an_agent_it_does_not_open() -> None:
    agent = FakeAgent(known())
    agent.order_fails_with = GONE
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        app.post_message(OpenDialog(DialogKind.SETTINGS))
        await until(pilot, lambda: len(app._notifications) == 1)
        assert isinstance(app.screen, MainScreen)


async def test_the_file_is_checked_and_what_was_typed_stays() -> None:
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
