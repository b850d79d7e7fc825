from __future__ import annotations

import msgspec
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import FULL, GONE, FakeAgent, dashboard, many_shares, snapshot, until
from tests.tui.tables import count_rows
from tuishare.api.messages import (
    Changes,
    DownloadAction,
    DownloadId,
    DownloadState,
    ShareAction,
    ShareId,
    ShareState,
)
from tuishare.tui.screens.main_screen import MainScreen
from tuishare.tui.widgets.footer import Footer
from tuishare.tui.widgets.panes import DownloadsPane, SharesPane
from tuishare.tui.widgets.table import EntryTable


def pane(pilot: Pilot[None]) -> SharesPane:
    return pilot.app.screen.query_one(SharesPane)


def words(pilot: Pilot[None]) -> str:
    return str(pane(pilot).query_one(".words", Static).content)


def explanation(pilot: Pilot[None]) -> str:
    static = pane(pilot).query_one(".explanation", Static)
    return str(static.content) if static.display else ""


async def test_newest_first() -> None:
    old = msgspec.structs.replace(SHARE, id=ShareId("zz"), name="old", added=NOW - 10**6)
    async with dashboard(FakeAgent(snapshot((old, SHARE)))).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 2)
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
        await until(pilot, lambda: explanation(pilot))
        assert not pane(pilot).query_one(".detail").display


async def test_an_empty_list_says_what_to_do() -> None:
    agent = FakeAgent(snapshot())
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: "/home/alice/drop" in explanation(pilot))
        agent.say(Changes(shares=(SHARE,)))
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        assert explanation(pilot) == ""
        assert pane(pilot).table.size.height > 0


async def test_the_keys_outlast_the_last_entry() -> None:
    """Otherwise no key but those of the tabs would work once entries are listed again."""
    agent = FakeAgent(snapshot((SHARE,)))
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        agent.say(Changes(shares_removed=(SHARE.id,)))
        await until(pilot, lambda: explanation(pilot) and not pane(pilot).table.size.height)
        assert "n" in pilot.app.screen.query_one(Footer).named
        agent.say(Changes(shares=(SHARE,)))
        await until(pilot, lambda: "space" in pilot.app.screen.query_one(Footer).named)
        await pilot.press("space")
        await until(pilot, lambda: agent.orders)


async def test_the_filter_narrows_and_escape_widens() -> None:
    async with dashboard(FakeAgent(snapshot(many_shares(50)))).run_test() as pilot:
        table = pane(pilot).table
        await until(pilot, lambda: count_rows(table) == 50)
        await pilot.press("slash", *"FILE-004", "enter")
        await until(pilot, lambda: count_rows(table) == 10)
        assert pilot.app.focused is table
        assert pane(pilot).query_one(Input).display
        await pilot.press("slash", "left_square_bracket", "x", "right_square_bracket")
        await until(pilot, lambda: "Nothing matches “[x]”" in explanation(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: count_rows(table) == 50)
        assert not pane(pilot).query_one(Input).display
        assert pilot.app.focused is table


async def test_letters_in_the_filter_are_no_commands() -> None:
    async with dashboard(FakeAgent(snapshot(many_shares(2)))).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 2)
        await pilot.press("slash", *"q12sjkfDax ")
        assert pane(pilot).query_one(Input).value == "q12sjkfDax "
        assert pilot.app.is_running


async def test_an_empty_filter_closes() -> None:
    async with dashboard(FakeAgent(snapshot(many_shares(2)))).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 2)
        await pilot.press("slash", "enter")
        assert not pane(pilot).query_one(Input).display


async def test_the_filter_knows_recipients_and_senders() -> None:
    other = msgspec.structs.replace(DOWNLOAD, id=DownloadId("d2"), sender="carol")
    async with dashboard(FakeAgent(snapshot((SHARE,), (DOWNLOAD, other)))).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        await pilot.press("slash", *"crew", "enter", "2", "slash", *"carol", "enter")
        downloads = pilot.app.screen.query_one(DownloadsPane)
        await until(pilot, lambda: count_rows(downloads.table) == 1)
        assert downloads.table.selected == other
        assert count_rows(pane(pilot).table) == 1


async def test_what_is_old_looks_old() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        assert not pane(pilot).has_class("-stale")
        agent.say(GONE)
        await until(pilot, lambda: pane(pilot).has_class("-stale"))


def footer(pilot: Pilot[None]) -> dict[str, str]:
    """The keys in the footer besides those that are always there."""
    bindings = [active.binding for active in pilot.app.screen.active_bindings.values()]
    shown = {binding.key_display or binding.key: binding.description for binding in bindings if binding.show}
    return {key: words for key, words in shown.items() if key not in {"/", "?", "q", "ctrl+p"}}


OPEN = {"n": "New", "r": "Revoke"}
END = {"f": "Forget", "D": "Delete"}


async def test_the_footer_shows_what_fits_a_share() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        for state, offered in {
            ShareState.HASHING: OPEN,
            ShareState.SEEDING: {"space": "Pause", "s": "Again", **OPEN, **END},
            ShareState.PAUSED: {"space": "Resume", "s": "Again", **OPEN, **END},
            ShareState.WITHDRAWN: {"s": "Again", **OPEN, **END},
        }.items():
            share = msgspec.structs.replace(SHARE, state=state)
            agent.say(Changes(shares=(share,)))
            await until(pilot, lambda share=share: pane(pilot).table.selected == share)  # type: ignore[misc]
            assert footer(pilot) == offered


async def test_the_footer_shows_what_fits_a_download() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        await pilot.press("2")
        open_envelope = {"o": "Open"}  # of the tab, whatever is selected
        for state, offered in {
            DownloadState.LOCKED: {},
            DownloadState.WAITING: {"a": "Approve", "x": "Reject"},
            DownloadState.DOWNLOADING: {"space": "Pause", **END},
            DownloadState.PROBLEM: {"space": "Resume", **END},
        }.items():
            agent.say(Changes(downloads=(msgspec.structs.replace(DOWNLOAD, state=state),)))
            await until(pilot, lambda offered=offered: footer(pilot) == {**offered, **open_envelope})  # type: ignore[misc]


async def test_the_footer_follows_the_cursor() -> None:
    paused = msgspec.structs.replace(SHARE, id=ShareId("z"), state=ShareState.PAUSED)
    async with dashboard(FakeAgent(snapshot((SHARE, paused)))).run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 2)
        drawn = pilot.app.screen.query_one(Footer)
        await until(pilot, lambda: drawn.named.get("space") == "space Pause")
        await pilot.press("down")
        await until(pilot, lambda: drawn.named.get("space") == "space Resume")


async def test_keys_for_shares() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent)
    async with app.run_test() as pilot:
        for keys, state, order in (
            (["space"], ShareState.SEEDING, ShareAction.PAUSE),
            (["space"], ShareState.PAUSED, ShareAction.RESUME),
            (["s"], ShareState.SEEDING, ShareAction.AGAIN),
            (["f", "y"], ShareState.SEEDING, ShareAction.FORGET),
            (["f"], ShareState.WITHDRAWN, ShareAction.FORGET),
            (["D", "y"], ShareState.SEEDING, ShareAction.DELETE),
        ):
            agent.orders.clear()
            share = msgspec.structs.replace(SHARE, state=state)
            agent.say(Changes(shares=(share,)))
            await until(pilot, lambda share=share: pane(pilot).table.selected == share)  # type: ignore[misc]
            await pilot.press(*keys)
            await until(pilot, lambda: agent.orders)
            assert agent.orders == [(SHARE.id, order)]
        assert agent.starts == 0


async def test_keys_for_downloads() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        downloads = pilot.app.screen.query_one(DownloadsPane)
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        await pilot.press("2")
        for keys, state, progress, order in (
            (["x", "y"], DownloadState.WAITING, 0.0, DownloadAction.REJECT),
            (["space"], DownloadState.DOWNLOADING, 0.4, DownloadAction.PAUSE),
            (["space"], DownloadState.PAUSED, 0.4, DownloadAction.RESUME),
            (["f"], DownloadState.COMPLETE, 1.0, DownloadAction.FORGET),
            (["f", "y"], DownloadState.DOWNLOADING, 0.4, DownloadAction.FORGET),
            (["D", "y"], DownloadState.COMPLETE, 1.0, DownloadAction.DELETE),
        ):
            agent.orders.clear()
            entry = msgspec.structs.replace(DOWNLOAD, state=state, progress=progress)
            agent.say(Changes(downloads=(entry,)))
            await until(pilot, lambda entry=entry: downloads.table.selected == entry)  # type: ignore[misc]
            await pilot.press(*keys)
            await until(pilot, lambda: agent.orders)
            assert agent.orders == [(DOWNLOAD.id, order)]


async def test_keys_that_do_not_fit_do_nothing() -> None:
    locked = msgspec.structs.replace(DOWNLOAD, state=DownloadState.LOCKED)
    hashing = msgspec.structs.replace(SHARE, state=ShareState.HASHING)
    agent = FakeAgent(snapshot((hashing,), (locked,)))
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        keys = ("space", "s", "f", "D", "a", "x")
        await pilot.press(*keys, "2", *keys)
        assert (agent.orders, agent.starts) == ([], 0)
        assert isinstance(app.screen, MainScreen)


async def test_nothing_is_ordered_of_an_agent_that_is_lost() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: footer(pilot).get("s") == "Again")
        agent.say(GONE)
        await until(pilot, lambda: footer(pilot) == {"s": "Start agent"})
        await pilot.press("space", "f", "D")
        assert agent.orders == []
        await pilot.press("s")
        await until(pilot, lambda: agent.starts == 1)
        assert agent.orders == []


async def test_what_is_marked_is_ordered_together_after_one_question() -> None:
    agent = FakeAgent(snapshot(many_shares(4)))
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 4)
        await pilot.press("m", "m", "space")
        await until(pilot, lambda: len(agent.orders) == 2)
        assert agent.orders == [("0000", ShareAction.PAUSE), ("0001", ShareAction.PAUSE)]
        agent.orders.clear()
        await pilot.press("D")
        question = " ".join(str(static.content) for static in app.screen.query(Static))
        assert "2 entries" in question
        assert "file-0000.bin\nfile-0001.bin" in question
        await pilot.press("y")
        await until(pilot, lambda: len(agent.orders) == 2)
        assert agent.orders == [("0000", ShareAction.DELETE), ("0001", ShareAction.DELETE)]
        await pilot.press("escape")
        assert pane(pilot).table.marked == ()


async def test_c_copies_the_path() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        await pilot.press("c")
        assert app.clipboard == SHARE.path


async def test_tabs_out_of_sight_wait_until_they_are_opened() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        await until(pilot, lambda: count_rows(pane(pilot).table) == 1)
        downloads = pilot.app.screen.query_one(DownloadsPane)
        assert not downloads.query(EntryTable)
        await pilot.press("2")
        await until(pilot, lambda: count_rows(downloads.table) == 1)
        await pilot.press("1")
        another = msgspec.structs.replace(DOWNLOAD, id=DownloadId("d2"))
        agent.say(Changes(downloads=(another,)))
        await until(pilot, lambda: len(downloads.app.view.snapshot.downloads) == 2)  # type: ignore[union-attr]
        assert count_rows(downloads.table) == 1
        await pilot.press("2")
        await until(pilot, lambda: count_rows(downloads.table) == 2)
