from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.api.samples import DOWNLOAD, NOW, SHARE, STATUS
from tests.tui.fakes import CALM, FULL, FakeAgent, dashboard, until
from tests.tui.people import BOB, PEOPLE
from tests.tui.tables import count_rows, read_row
from tuishare.api.messages import (
    Activity,
    ActivityKind,
    Delivery,
    DeliveryState,
    Details,
    DownloadState,
    File,
    PeerInfo,
    Problem,
    Snapshot,
)
from tuishare.tui.app import Dashboard
from tuishare.tui.dashboard_base import DialogKind
from tuishare.tui.dialogs import DIALOGS
from tuishare.tui.screens.main_screen import TABS, MainScreen
from tuishare.tui.widgets.footer import Footer
from tuishare.tui.widgets.panes import ActivityPane

HOSTILE = (
    "\x1b]0;x\x07[red]\u202e[/]\r\n[@click=app.quit]👩‍👩‍👧‍👦\u0627\u0644" + "写" * 84
)  # 255 bytes and more of all that is bad
TROUBLE = Problem(id="disk", title="Disk full", detail="No room.", hint="Make some.", since=NOW)
HAPPENED = tuple(
    Activity(id=3 - n, at=NOW - n, kind=kind, subject=f"thing-{n}", detail="to bob")
    for n, kind in enumerate((ActivityKind.DELIVERED, ActivityKind.SHARED, ActivityKind.SHARED))
)
WHOLE: Snapshot = msgspec.structs.replace(
    FULL,
    people=PEOPLE,
    activity=HAPPENED,
    status=msgspec.structs.replace(
        CALM, problems=(TROUBLE,), outbox="/home/alice/outbox", downloads="/home/alice/downloads"
    ),
)


KEYS = (
    ("1", "n", "new_share"),
    ("1", "r", "revoke"),
    ("2", "a", "approve"),
    ("3", "n", "add_user"),
    ("3", "e", "change_user"),
    ("3", "enter", "change_user"),
    ("3", "r", "revoke_user"),
    ("3", "R", "rotate"),
    ("4", "n", "add_folder"),
    ("4", "e", "change_folder"),
    ("1", "comma", "settings"),
)
"""Tab, key, and the dialog that it opens there."""


def rows(app: Dashboard) -> list[list[str]]:
    assert isinstance(app.screen, MainScreen)
    table = app.screen.pane.table
    return [read_row(table, row) for row in range(count_rows(table))]


async def until_tab(app: Dashboard, pilot: Pilot[None], tab: str) -> None:
    """Wait until a tab shows its entries."""

    def is_shown() -> bool:
        screen = app.screen
        return isinstance(screen, MainScreen) and screen.pane.listing.name == tab and bool(rows(app))

    await until(pilot, is_shown)


def words(app: Dashboard) -> str:
    assert isinstance(app.screen, MainScreen)
    return str(app.screen.pane.detail.query_one(".words", Static).content)


def drawn(app: Dashboard) -> str:
    return "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())


async def test_people_are_listed_with_their_groups() -> None:
    app = dashboard(FakeAgent(WHOLE))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("3")
        await until(pilot, lambda: len(rows(app)) == 5)
        assert [row[1] for row in rows(app)] == ["bob", "carol", "dan", "@crew", "@family"]
        assert "3 of 5" in rows(app)[0]
        assert "not verified" in words(app)
        assert BOB.words in words(app)
        await pilot.press("c")
        assert app.clipboard == PEOPLE.card
        assert "r" in app.screen.query_one(Footer).named
        await pilot.press("j")
        assert "r" not in app.screen.query_one(Footer).named  # Carol has no tickets


async def test_folders_are_listed_and_can_be_given_up() -> None:
    agent = FakeAgent(WHOLE)
    app = dashboard(agent)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("4")
        await until(pilot, lambda: len(rows(app)) == 4)
        assert rows(app)[0][1] == "/home/alice/drop"
        assert "watching" in rows(app)[0]
        assert any("212 GB" in row for row in rows(app))
        await pilot.press("c")
        assert app.clipboard == "/home/alice/drop"
        await pilot.press("D", "y")
        await until(pilot, lambda: agent.calls)
        assert agent.calls == [("remove_drop", "/home/alice/drop")]


async def test_trouble_stands_on_top_until_it_is_dismissed() -> None:
    app = dashboard(FakeAgent(WHOLE))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Disk full" in drawn(app))
        await pilot.press("5")
        await until(pilot, lambda: len(rows(app)) == 4)
        assert "Disk full" in rows(app)[0]
        assert "→ Make some." in words(app)
        assert "5 Activity ●1" in drawn(app)
        await pilot.press("x")
        await until(pilot, lambda: len(rows(app)) == 3)
        await until(pilot, lambda: "Disk full" not in drawn(app))
        assert "●1" not in drawn(app)
        assert [row[3] for row in rows(app)] == ["thing-0", "thing-1", "thing-2"]


async def test_activity_of_one_kind() -> None:
    app = dashboard(FakeAgent(WHOLE))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        await pilot.press("5", "t")
        pane = app.screen.query_one(ActivityPane)
        await until(pilot, lambda: pane.kind is ActivityKind.SHARED and len(rows(app)) == 3)
        await pilot.press("t", "t")
        await until(pilot, lambda: pane.kind is None and len(rows(app)) == 4)


async def test_keys_open_their_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[DialogKind] = []

    def note(kind: DialogKind) -> Callable[[object, object], None]:
        return lambda _app, _about: opened.append(kind)

    for kind in DialogKind:
        monkeypatch.setitem(DIALOGS, kind, note(kind))
    waiting = msgspec.structs.replace(DOWNLOAD, state=DownloadState.WAITING)
    app = dashboard(FakeAgent(msgspec.structs.replace(WHOLE, downloads=(waiting,))))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        for tab, key, name in KEYS:
            opened.clear()
            await pilot.press(tab)
            await until_tab(app, pilot, TABS[int(tab) - 1])
            await pilot.press(key)
            await until(pilot, lambda name=name: opened == [name])  # type: ignore[misc]


async def test_groups_cannot_be_removed_and_own_folders_not_even_edited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    monkeypatch.setitem(DIALOGS, DialogKind.CHANGE_USER, lambda _app, _about: opened.append("group"))
    monkeypatch.setitem(DIALOGS, DialogKind.CHANGE_FOLDER, lambda _app, _about: opened.append("folder"))
    app = dashboard(FakeAgent(WHOLE))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.view.snapshot)
        for tab in "34":
            await pilot.press(tab)
            await until(pilot, lambda: rows(app))
            await pilot.press("G", "e", "D")
        assert opened == ["group"]
        assert isinstance(app.screen, MainScreen)


def hostile() -> Snapshot:
    """Every text that others can choose is hostile."""
    deliveries = tuple(Delivery(user=HOSTILE, state=state, progress=0.5) for state in DeliveryState)
    share = msgspec.structs.replace(
        SHARE, name=HOSTILE, note=HOSTILE, detail=HOSTILE, hint=HOSTILE, path=HOSTILE, deliveries=deliveries
    )
    download = msgspec.structs.replace(
        DOWNLOAD,
        name=HOSTILE,
        sender=HOSTILE,
        note=HOSTILE,
        detail=HOSTILE,
        path=HOSTILE,
        fingerprint=HOSTILE,
    )
    user = msgspec.structs.replace(BOB, name=HOSTILE, groups=(HOSTILE,), fingerprint=HOSTILE, words=HOSTILE)
    problem = Problem(id="p", title=HOSTILE, detail=HOSTILE, hint=HOSTILE, since=NOW)
    folder = msgspec.structs.replace(STATUS.drop_folders[0], path=HOSTILE, users=(HOSTILE,))
    return msgspec.structs.replace(
        WHOLE,
        shares=(share,),
        downloads=(download,),
        people=msgspec.structs.replace(PEOPLE, users=(user,)),
        status=msgspec.structs.replace(
            CALM, name=HOSTILE, problems=(problem,), drop_folders=(folder,), inbox=HOSTILE, outbox=HOSTILE
        ),
        activity=(Activity(id=1, at=NOW, kind=ActivityKind.REJECTED, subject=HOSTILE, detail=HOSTILE),),
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)], ids=["small", "large", "tiny"])
async def test_hostile_text_is_safe_in_every_tab_and_section(size: tuple[int, int]) -> None:
    agent = FakeAgent(hostile())
    agent.details = Details(
        files=(File(path=HOSTILE, size=1, progress=0.5),),
        peers=(PeerInfo(address=HOSTILE, user=HOSTILE, client=HOSTILE),),
        history=hostile().activity,
    )
    app = dashboard(agent)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.view.snapshot)
        for number, tab in enumerate(TABS, 1):
            await pilot.press(str(number))
            await until_tab(app, pilot, tab)
            for key in ("l", "l", "l", "j", "m"):
                picture = drawn(app)
                assert not {"\x1b", "\x07", "\u202e", "\u200d"} & set(picture)
                assert "[red]" in picture or size == (40, 12)
                await pilot.press(key)
                await pilot.pause()
            assert all(
                sum(part.cell_length for part in strip) <= size[0]
                for strip in app.screen._compositor.render_strips()
            )
        assert app.is_running
