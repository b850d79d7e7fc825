from __future__ import annotations

import msgspec
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import FULL, GONE, FakeAgent, dashboard, many_shares, snapshot, until
from tuishare.api.messages import Changes, DownloadId, ShareId
from tuishare.tui.widgets.pane import DownloadsPane, SharesPane


def pane(pilot: Pilot[None]) -> SharesPane:
    return pilot.app.screen.query_one(SharesPane)


def words(pilot: Pilot[None]) -> str:
    return str(pane(pilot).query_one(".words", Static).content)


def invitation(pilot: Pilot[None]) -> str:
    static = pane(pilot).query_one(".invitation", Static)
    return str(static.content) if static.display else ""


async def test_newest_first() -> None:
    old = msgspec.structs.replace(SHARE, id=ShareId("zz"), name="old", added=NOW - 10**6)
    async with dashboard(FakeAgent(snapshot((old, SHARE)))).run_test() as pilot:
        await until(pilot, lambda: pane(pilot).table.row_count == 2)
        assert pane(pilot).table.selected == SHARE


async def test_the_detail_follows_the_cursor_and_the_changes() -> None:
    shares = many_shares(3)
    agent = FakeAgent(snapshot(shares))
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: "file-0000.bin" in words(pilot))
        await pilot.press("down")
        await until(pilot, lambda: "file-0001.bin" in words(pilot))
        agent.say(Changes(shares=(msgspec.structs.replace(shares[1], peers=77),)))
        await until(pilot, lambda: "77 peers" in words(pilot))
        agent.say(Changes(shares_removed=tuple(share.id for share in shares)))
        await until(pilot, lambda: invitation(pilot))
        assert not pane(pilot).query_one(".detail").display


async def test_an_empty_list_invites() -> None:
    agent = FakeAgent(snapshot())
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: "/home/alice/drop" in invitation(pilot))
        agent.say(Changes(shares=(SHARE,)))
        await until(pilot, lambda: pane(pilot).table.row_count == 1)
        assert invitation(pilot) == ""
        assert pane(pilot).table.display


async def test_the_filter_narrows_and_escape_widens() -> None:
    async with dashboard(FakeAgent(snapshot(many_shares(50)))).run_test() as pilot:
        table = pane(pilot).table
        await until(pilot, lambda: table.row_count == 50)
        await pilot.press("slash", *"FILE-004", "enter")
        await until(pilot, lambda: table.row_count == 10)
        assert pilot.app.focused is table
        assert pane(pilot).query_one(Input).display
        await pilot.press("slash", "left_square_bracket", "x", "right_square_bracket")
        await until(pilot, lambda: "Nothing matches “[x]”" in invitation(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: table.row_count == 50)
        assert not pane(pilot).query_one(Input).display
        assert pilot.app.focused is table


async def test_letters_in_the_filter_are_no_commands() -> None:
    async with dashboard(FakeAgent(snapshot(many_shares(2)))).run_test() as pilot:
        await until(pilot, lambda: pane(pilot).table.row_count == 2)
        await pilot.press("slash", *"q12sjk")
        assert pane(pilot).query_one(Input).value == "q12sjk"
        assert pilot.app.is_running


async def test_an_empty_filter_closes() -> None:
    async with dashboard(FakeAgent(snapshot(many_shares(2)))).run_test() as pilot:
        await until(pilot, lambda: pane(pilot).table.row_count == 2)
        await pilot.press("slash", "enter")
        assert not pane(pilot).query_one(Input).display


async def test_the_filter_knows_recipients_and_senders() -> None:
    other = msgspec.structs.replace(DOWNLOAD, id=DownloadId("d2"), sender="carol")
    async with dashboard(FakeAgent(snapshot((SHARE,), (DOWNLOAD, other)))).run_test() as pilot:
        await until(pilot, lambda: pane(pilot).table.row_count == 1)
        await pilot.press("slash", *"crew", "enter", "2", "slash", *"carol", "enter")
        downloads = pilot.app.screen.query_one(DownloadsPane)
        await until(pilot, lambda: downloads.table.row_count == 1)
        assert downloads.table.selected == other
        assert pane(pilot).table.row_count == 1


async def test_what_is_old_looks_old() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: pane(pilot).table.row_count == 1)
        assert not pane(pilot).has_class("-stale")
        agent.say(GONE)
        await until(pilot, lambda: pane(pilot).has_class("-stale"))
