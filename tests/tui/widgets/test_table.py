from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

import tuishare.tui
from tests.api.samples import NOW, SHARE
from tests.tui.fakes import many_shares
from tests.tui.tables import count_rows, cursor_row, read_row, sorted_by
from tuishare.api.messages import Share, ShareId, ShareState
from tuishare.tui.share_columns import SHARE_COLUMNS
from tuishare.tui.tab_models import SHARES
from tuishare.tui.theme import LIGHT
from tuishare.tui.widgets.table import EntryTable

Table = EntryTable[Share]


class OneTable(App[None]):
    CSS_PATH = Path(tuishare.tui.__file__).with_name("tuishare.tcss")

    def compose(self) -> ComposeResult:
        yield Table(SHARES, lambda: NOW, id="table")


@asynccontextmanager
async def table_of(width: int = 120) -> AsyncIterator[tuple[Pilot[None], Table]]:
    app = OneTable()
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        table = app.query_one(Table)
        table.focus()
        yield pilot, table


def names(table: Table) -> list[str]:
    return [read_row(table, row)[1] for row in range(count_rows(table))]


def line(table: Table, y: int) -> str:
    return table.render_line(y).text


def altered(shares: tuple[Share, ...], position: int, **fields: object) -> tuple[Share, ...]:
    changed = msgspec.structs.replace(shares[position], **fields)
    return (*shares[:position], changed, *shares[position + 1 :])


async def test_rows_stand_newest_first() -> None:
    async with table_of() as (_, table):
        table.show_entries(many_shares(3)[::-1])
        assert names(table) == ["file-0000.bin", "file-0001.bin", "file-0002.bin"]
        assert table.selected == many_shares(3)[0]


async def test_an_empty_table_has_nothing_selected() -> None:
    async with table_of() as (pilot, table):
        assert table.selected is None
        await pilot.press("j", "m", "M", "G", "k")
        table.show_entries(many_shares(1))
        table.show_entries(())
        assert table.selected is None
        assert table.marked == ()


async def test_only_lines_that_differ_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with table_of() as (_, table):
        shares = many_shares(500)
        table.show_entries(shares)
        drawn: list[Region] = []
        monkeypatch.setattr(table, "refresh", lambda *regions, **_: drawn.extend(regions))
        changed = altered(shares, 7, rate_up=5)
        table.show_entries(changed)
        assert drawn == [Region(0, 8, table.size.width, 1)]
        table.show_entries(altered(changed, 400, rate_up=5))  # out of sight
        assert len(drawn) == 1


async def test_the_cursor_stays_on_its_entry() -> None:
    async with table_of() as (pilot, table):
        shares = many_shares(40)
        table.show_entries(shares)
        await pilot.press(*["j"] * 5)
        assert table.selected == shares[5]
        table.show_entries(shares[:2] + shares[4:])  # two above it go
        assert table.selected == shares[5]
        fresh = msgspec.structs.replace(SHARE, id=ShareId("new"), added=NOW + 1)
        table.show_entries((fresh, *shares))  # one comes above it, two come back
        assert table.selected == shares[5]
        await pilot.press("k")
        assert table.selected == shares[4]
        table.show_entries(shares[5:])  # its own row goes
        assert table.selected is not None


async def test_keys_go_to_both_ends_and_the_line_is_in_sight() -> None:
    async with table_of() as (pilot, table):
        table.show_entries(many_shares(100))
        await pilot.press("G")
        assert table.selected == many_shares(100)[-1]
        await pilot.pause()
        assert "file-0099.bin" in line(table, 29)
        await pilot.press("pageup", "g")
        await pilot.pause()
        assert table.selected == many_shares(100)[0]
        assert "file-0000.bin" in line(table, 1)


@pytest.mark.parametrize(("width", "titles"), [(80, 4), (120, len(SHARE_COLUMNS))])
async def test_columns_fill_the_width_and_never_more(width: int, titles: int) -> None:
    async with table_of(width) as (pilot, table):
        table.show_entries(many_shares(100))
        await pilot.pause()
        assert len(read_row(table, 0)) == titles
        for y in (0, 1, 29):
            assert table.render_line(y).cell_length == table.scrollable_content_region.width


async def test_a_new_width_gives_new_columns_and_keeps_the_entry() -> None:
    async with table_of(120) as (pilot, table):
        table.show_entries(many_shares(10))
        await pilot.press(*"jjjj")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert len(read_row(table, 0)) == 4
        assert table.selected == many_shares(10)[4]


async def test_a_hostile_name_is_text_and_nothing_else() -> None:
    async with table_of() as (_, table):
        name = "\x1b[31m[red]\u202egnp.exe\n[/]"
        table.show_entries((msgspec.structs.replace(SHARE, name=name),))
        assert "\ufffd[31m[" in line(table, 1)
        assert not {"\x1b", "\u202e", "\n"} & set(line(table, 1))


async def test_a_theme_recolours_the_cells() -> None:
    async with table_of() as (pilot, table):
        table.show_entries((SHARE,))
        pilot.app.register_theme(LIGHT)
        pilot.app.theme = LIGHT.name
        await pilot.pause()
        sign = next(segment for segment in table.render_line(1) if "●" in segment.text)
        assert sign.style is not None
        assert sign.style.color is not None
        assert sign.style.color.name == LIGHT.success


async def test_the_cursor_is_told_apart_without_colour() -> None:
    async with table_of() as (_, table):
        table.show_entries(many_shares(2))
        bold = [all(part.style and part.style.bold for part in table.render_line(y)) for y in (1, 2)]
        assert bold == [True, False]


async def test_a_state_that_changes_shows_in_all_its_cells() -> None:
    async with table_of() as (_, table):
        table.show_entries((SHARE,))
        table.show_entries(altered((SHARE,), 0, state=ShareState.PAUSED, rate_up=0))
        row = read_row(table, 0)
        assert (row[0], row[4], row[6]) == ("‖", "paused", "–")


async def test_sorting_by_every_column_and_around() -> None:
    async with table_of() as (pilot, table):
        small, large = (
            msgspec.structs.replace(SHARE, id=ShareId(name), name=name, size=size, added=NOW - size)
            for name, size in (("b", 1), ("a", 2))
        )
        table.show_entries((small, large))
        assert names(table) == ["b", "a"]  # newest first
        await pilot.press("greater_than_sign")
        assert (sorted_by(table), names(table)) == (("name", False), ["a", "b"])
        assert "Name ↓" in line(table, 0)
        await pilot.press("equals_sign")
        assert (sorted_by(table), names(table)) == (("name", True), ["b", "a"])
        assert "Name ↑" in line(table, 0)
        assert table.selected == small  # the cursor goes with its entry
        sortable = [column for column in SHARE_COLUMNS if column.order]
        await pilot.press(*["greater_than_sign"] * len(sortable))
        assert sorted_by(table) == ("", False)
        await pilot.press("less_than_sign")
        assert sorted_by(table) == ("added", False)


async def test_titles_sort_by_mouse_and_rows_are_chosen_by_it() -> None:
    async with table_of() as (pilot, table):
        table.show_entries(many_shares(5))
        at = line(table, 0).index("Size")
        await pilot.click(table, offset=(at, 0))
        assert sorted_by(table) == ("size", False)
        await pilot.click(table, offset=(at, 0))
        assert sorted_by(table) == ("size", True)
        await pilot.click(table, offset=(1, 0))  # signs have no order
        assert sorted_by(table) == ("size", True)
        await pilot.click(table, offset=(10, 3))
        assert cursor_row(table) == 2
        await pilot.click(table, offset=(10, 25))  # below the last
        assert cursor_row(table) == 4


async def test_marks_stay_on_their_entries() -> None:
    async with table_of() as (pilot, table):
        shares = many_shares(5)
        table.show_entries(shares)
        await pilot.press("m", "j", "m")
        assert [share.id for share in table.marked] == ["0000", "0002"]
        assert line(table, 1).startswith(" ✚")
        table.show_entries(shares[1:])
        assert [share.id for share in table.marked] == ["0002"]
        table.show_entries(shares)  # what was gone is not marked when it returns
        assert [share.id for share in table.marked] == ["0002"]
        await pilot.press("M")
        assert len(table.marked) == 5
        await pilot.press("M")
        assert not table.marked
