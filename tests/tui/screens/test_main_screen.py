from __future__ import annotations

from textual.app import App
from textual.widgets import TabbedContent

from tests.api.samples import DOWNLOAD, SHARE
from tests.tui.fakes import FULL, GONE, FakeAgent, dashboard, many_shares, snapshot, until
from tests.tui.tables import count_rows
from tuishare.api.messages import Changes
from tuishare.tui.screens.folder import FolderScreen
from tuishare.tui.screens.help import HelpScreen
from tuishare.tui.snapshot_stream import Backoff
from tuishare.tui.view import Connected
from tuishare.tui.widgets.panes import DownloadsPane, SharesPane


def label(app: App[None], tab: str) -> str:
    return app.screen.query_one(TabbedContent).get_tab(tab).label_text


async def test_tabs_open_by_key_and_take_the_focus() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        screen = app.screen
        await until(pilot, lambda: app.focused is screen.query_one(SharesPane).table)
        await pilot.press("2")
        await until(pilot, lambda: app.focused is screen.query_one(DownloadsPane).table)
        assert screen.query_one(DownloadsPane).table.selected == DOWNLOAD
        await pilot.press("1")
        await until(pilot, lambda: app.focused is screen.query_one(SharesPane).table)


async def test_tabs_open_by_mouse() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.click("#--content-tab-downloads")
        await until(pilot, lambda: app.screen.query_one(TabbedContent).active == "downloads")


async def test_tabs_count() -> None:
    agent = FakeAgent(snapshot(many_shares(1204), (DOWNLOAD,)))
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: label(app, "shares") == "1 Shares 1,204")
        assert label(app, "downloads") == "2 Downloads 1"
        agent.say(Changes(downloads_removed=(DOWNLOAD.id,)))
        await until(pilot, lambda: label(app, "downloads") == "2 Downloads 0")


async def test_the_agent_may_die_and_return_while_help_is_open() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent, backoff=Backoff(first=0.1))
    async with app.run_test() as pilot:
        main = app.screen
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        agent.say(GONE)
        await until(pilot, lambda: main.query_one(SharesPane).has_class("-stale"))
        agent.say(snapshot((SHARE, *many_shares(2))))
        await until(pilot, lambda: count_rows(main.query_one(SharesPane).table) == 3)
        await pilot.press("escape")
        assert app.screen is main


async def test_the_key_after_that_of_a_tab_is_one_of_that_tab() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        app.simulate_key("4")
        app.simulate_key("n")  # no pause, as when both were typed while the terminal was slow
        await until(pilot, lambda: isinstance(app.screen, FolderScreen))
