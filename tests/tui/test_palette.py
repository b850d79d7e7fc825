from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandPalette

from tests.api.samples import SHARE
from tests.tui.fakes import FakeAgent, until
from tests.tui.people import known
from tests.tui.screens.test_first_run import home
from tuishare.api.messages import ShareAction
from tuishare.tui.dashboard_base import DialogKind, OpenDialog
from tuishare.tui.palette import list_commands
from tuishare.tui.screens.main_screen import TABS
from tuishare.tui.screens.new_share import NewShareScreen
from tuishare.tui.view import Connected
from tuishare.tui.widgets.pane import EntryPane


async def test_every_key_of_every_tab_is_in_it(tmp_path: Path) -> None:
    app = home(FakeAgent(known()), tmp_path / "greeted")
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        names = {command.name for command in list_commands(app.screen)}
        for pane in app.screen.query(EntryPane):
            tab = str(pane.id).removesuffix("-pane").capitalize()
            for _, binding in pane._bindings:
                assert f"{tab}: {binding.description.lower()}" in names
        assert {f"Go to: {tab}" for tab in TABS} <= names
        assert {"Shares: new share …", "People: add a user …", "Settings …", "List the keys"} <= names


@pytest.mark.parametrize("words", ["new share", "go to: people", "shares: pause"])
async def test_it_does_what_it_says(tmp_path: Path, words: str) -> None:
    agent = FakeAgent(known())
    app = home(agent, tmp_path / "greeted")
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        await pilot.press("ctrl+p", *words)
        assert isinstance(app.screen, CommandPalette)
        await until(pilot, lambda: app.screen.query_one("CommandList").option_count > 0)  # type: ignore[attr-defined]
        await pilot.press("enter")
        if words == "new share":
            await until(pilot, lambda: isinstance(app.screen, NewShareScreen))
        elif words == "shares: pause":
            await until(pilot, lambda: agent.orders == [(SHARE.id, ShareAction.PAUSE)])
        else:
            await until(pilot, lambda: app.screen.query("#people-pane:focus-within"))


async def test_nothing_above_a_dialog(tmp_path: Path) -> None:
    app = home(FakeAgent(known()), tmp_path / "greeted")
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        app.post_message(OpenDialog(DialogKind.NEW_SHARE))
        await pilot.pause()
        assert list_commands(app.screen) == []
