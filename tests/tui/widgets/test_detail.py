from __future__ import annotations

import msgspec
import pytest
from textual.containers import VerticalScroll
from textual.widgets import Static

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import FULL, GONE, FakeAgent, dashboard, many_shares, snapshot, until
from tuishare.api.messages import (
    Activity,
    ActivityKind,
    Delivery,
    DeliveryState,
    Details,
    DownloadState,
    File,
    PeerInfo,
    ShareId,
    Snapshot,
)
from tuishare.errors import Refused
from tuishare.tui.app import Dashboard
from tuishare.tui.screens.main_screen import MainScreen
from tuishare.tui.view import Lost
from tuishare.tui.widgets.detail import Detail, SectionTitles
from tuishare.tui.widgets.panes import SharesPane

CLOSER = Details(
    files=(
        File(path="reel/one.mov", size=2_000_000, progress=1.0),
        File(path="two.mov", size=9, progress=0.0),
    ),
    more_files=7,
    peers=(PeerInfo(address="10.0.0.7:50007", user="bob", client="qBittorrent", rate_up=800_000),),
    history=(Activity(id=1, at=NOW, kind=ActivityKind.SHARED, subject="dailies", detail="generation 2"),),
)


LOCKED = msgspec.structs.replace(DOWNLOAD, state=DownloadState.LOCKED)


def detail(app: Dashboard) -> Detail[object]:
    return app.screen.query_one(SharesPane).query_one(Detail)


def words(app: Dashboard) -> str:
    return str(detail(app).query_one(".words", Static).content)


async def test_sections_follow_the_keys_and_are_fetched_when_they_are_shown() -> None:
    agent = FakeAgent(FULL)
    agent.details = CLOSER
    app = dashboard(agent)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: SHARE.name in words(app))
        assert agent.calls == []
        for section, text in (
            ("Files", "reel/one.mov"),
            ("Peers", "10.0.0.7:50007"),
            ("History", "generation 2"),
        ):
            await pilot.press("right")
            assert detail(app).section == section
            await until(pilot, lambda text=text: text in words(app))  # type: ignore[misc]
        assert set(agent.calls) == {("share_details", SHARE.id)}
        await pilot.press("right")
        assert detail(app).section == "Delivery"
        await pilot.press("h")
        assert detail(app).section == "History"


async def test_sections_open_by_mouse() -> None:
    agent = FakeAgent(FULL)
    agent.details = CLOSER
    app = dashboard(agent)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: SHARE.name in words(app))
        titles = app.screen.query_one(SharesPane).query_one(SectionTitles)
        at = str(titles.content).index("Peers")
        await pilot.click(titles, offset=(at, 0))
        await until(pilot, lambda: "qBittorrent" in words(app))


async def test_another_entry_is_asked_for_and_old_answers_are_not_shown_for_it() -> None:
    agent = FakeAgent(snapshot(many_shares(2)))
    agent.details = CLOSER
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "file-0000" in words(app))
        await pilot.press("right")
        await until(pilot, lambda: "reel/one.mov" in words(app))
        agent.runner.clear()
        await pilot.press("j")
        await until(pilot, lambda: words(app) == "Asking the agent …")
        agent.runner.set()
        await until(pilot, lambda: "reel/one.mov" in words(app))
        assert agent.calls[-1] == ("share_details", "0001")


@pytest.mark.parametrize(
    "error", [Refused("It is [b]busy[/b]\x1b", hint="Later"), ZeroDivisionError("secret")]
)
async def test_a_failure_is_a_sentence(error: Exception) -> None:
    agent = FakeAgent(FULL)
    agent.order_fails_with = error
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: SHARE.name in words(app))
        await pilot.press("right")
        expected = (
            "It is [b]busy[/b]\ufffd. Later"
            if isinstance(error, Refused)
            else "The request to the agent failed. Try again."
        )
        await until(pilot, lambda: words(app) == expected)


@pytest.mark.parametrize(
    ("tab", "known", "said"),
    [
        ("1", snapshot((msgspec.structs.replace(SHARE, generation=0),)), "This entry is not shared yet."),
        ("2", msgspec.structs.replace(FULL, downloads=(LOCKED,)), "This envelope has not been opened."),
    ],
)
async def test_nothing_is_asked_about_what_the_agent_has_not_begun_with(
    tab: str, known: Snapshot, said: str
) -> None:
    agent = FakeAgent(known)
    app = dashboard(agent)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(tab, "right")
        assert isinstance(app.screen, MainScreen)
        told = app.screen.pane.detail.query_one(".words", Static)
        await until(pilot, lambda: said in str(told.content))
        assert agent.calls == []


async def test_an_agent_that_is_lost_is_not_asked() -> None:
    agent = FakeAgent(FULL, GONE)
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Lost))
        await pilot.press("right", "right")
        assert agent.calls == []


async def test_the_chart_is_there_only_where_there_is_room() -> None:
    app = dashboard(FakeAgent(snapshot((msgspec.structs.replace(SHARE, rate_up=5),))))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: SHARE.name in words(app))
        assert detail(app).query_one(".chart").display
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not detail(app).query_one(".chart").display)
        assert detail(app).region.height >= 5


async def test_it_grows_with_the_screen_and_scrolls_by_key() -> None:
    crew = tuple(
        Delivery(user=f"user-{number:02}", state=DeliveryState.NOT_OPENED, progress=0.0)
        for number in range(40)
    )
    wanted = msgspec.structs.replace(SHARE, deliveries=crew)
    other = msgspec.structs.replace(SHARE, id=ShareId("zz"), added=SHARE.added - 1)
    app = dashboard(FakeAgent(snapshot((wanted, other))))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "user-39" in words(app))
        assert app.size.height / 3 - 3 <= detail(app).size.height <= app.size.height / 2
        scroll = detail(app).query_one(VerticalScroll)
        await pilot.press("J", "J", "K")
        await until(pilot, lambda: scroll.scroll_y == 1)
        await pilot.press("j")  # another entry begins at its top
        await until(pilot, lambda: scroll.scroll_y == 0)
