from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.fakes import CALM, FakeAgent, until
from tests.tui.people import PEOPLE
from tests.tui.screens.dialogs import Desk
from tuishare.api.messages import SettingChange, Snapshot
from tuishare.errors import BadInput
from tuishare.fs.flag_file import FlagFile
from tuishare.tui.live_app import HomeDashboard
from tuishare.tui.screens.first_run import FoldersScreen, NameScreen, SummaryScreen
from tuishare.tui.screens.form import Form
from tuishare.tui.screens.invite import InviteScreen
from tuishare.tui.screens.join import JoinScreen
from tuishare.tui.screens.own_card import CardScreen

FOLDERS = {"inbox": "/h/inbox", "outbox": "/h/outbox", "downloads": "/h/downloads", "drop_folders": ()}
NEW = Snapshot(
    status=msgspec.structs.replace(CALM, **FOLDERS),
    shares=(),
    downloads=(),
    people=msgspec.structs.replace(PEOPLE, users=()),
)


def home(agent: FakeAgent, mark: Path) -> HomeDashboard:
    return HomeDashboard(agent, agent, agent.start, FlagFile(mark))


def desk_of(agent: FakeAgent, app: HomeDashboard, pilot: Pilot[None]) -> Desk:
    return Desk(agent, app, pilot)


async def test_three_steps_by_keys(tmp_path: Path) -> None:
    agent = FakeAgent(NEW)
    app = home(agent, tmp_path / "greeted")
    async with app.run_test(size=(80, 24)) as pilot:
        desk = desk_of(agent, app, pilot)
        await until(pilot, lambda: isinstance(app.screen, NameScreen))
        desk.fill("name", "")
        await desk.press("enter")
        assert "Enter a name" in desk.fault("name")
        await desk.press(*"alice", "enter")
        await until(pilot, lambda: isinstance(app.screen, FoldersScreen))
        assert desk.calls("change_setting") == [(SettingChange(key="name", value="alice"),)]
        desk.fill("inbox", "/elsewhere")
        await desk.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SummaryScreen))
        assert desk.calls("change_setting")[1:] == [(SettingChange(key="folders.inbox", value="/elsewhere"),)]
        for way in ("Invite", "Join", "Cards"):
            assert way in desk.words
        await desk.press("enter")
        await until(pilot, lambda: isinstance(app.screen, InviteScreen))


@pytest.mark.parametrize(("key", "screen"), [("i", InviteScreen), ("o", JoinScreen), ("c", CardScreen)])
async def test_the_third_step_leads_to_each_way(tmp_path: Path, key: str, screen: type[Form]) -> None:
    agent = FakeAgent(NEW)
    app = home(agent, tmp_path / "greeted")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, NameScreen))
        app.push_screen(SummaryScreen())
        await pilot.pause()
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, screen))


@pytest.mark.parametrize("first", [True, False])
async def test_skipped_it_does_not_come_again(tmp_path: Path, first: bool) -> None:
    mark = tmp_path / "greeted"
    if not first:
        mark.touch()
    agent = FakeAgent(NEW)
    app = home(agent, mark)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot == NEW)
        assert isinstance(app.screen, NameScreen) is first
        await pilot.press("escape")
        assert not isinstance(app.screen, NameScreen)
        assert mark.exists()
        agent.say(NEW)
        await until(pilot, agent.queue.empty)
        assert not isinstance(app.screen, NameScreen)
        assert agent.calls == []


async def test_a_name_that_is_refused_stays_to_be_corrected(tmp_path: Path) -> None:
    agent = FakeAgent(NEW)
    agent.order_fails_with = BadInput("A name has no spaces around it")
    app = home(agent, tmp_path / "greeted")
    async with app.run_test() as pilot:
        desk = desk_of(agent, app, pilot)
        await until(pilot, lambda: isinstance(app.screen, NameScreen))
        desk.fill("name", "b@d")
        await desk.press("enter")
        await desk.until_said("! A name has no spaces around it.")
        assert desk.screen.query_one("#name", Input).value == "b@d"
