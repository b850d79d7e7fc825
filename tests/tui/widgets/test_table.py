from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.api.samples import NOW, SHARE
from tests.tui.fakes import many_shares
from tuishare.api.messages import Share, ShareId, ShareState
from tuishare.tui.columns import SHARE_COLUMNS, Cell
from tuishare.tui.tones import LIGHT
from tuishare.tui.widgets.table import EntryTable

Table = EntryTable[Share]


class OneTable(App[None]):
    def compose(self) -> ComposeResult:
        yield Table(SHARE_COLUMNS, lambda: NOW, id="table")


@asynccontextmanager
async def table_of(width: int = 120) -> AsyncIterator[tuple[Pilot[None], Table]]:
    app = OneTable()
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        yield pilot, app.query_one(Table)


def names(table: Table) -> list[str]:
    return [table.get_row_at(row)[1].plain for row in range(table.row_count)]


def altered(shares: tuple[Share, ...], position: int, **fields: object) -> tuple[Share, ...]:
    changed = msgspec.structs.replace(shares[position], **fields)
    return (*shares[:position], changed, *shares[position + 1 :])


async def test_rows_stand_in_the_given_order() -> None:
    async with table_of() as (_, table):
        table.show_entries(many_shares(3))
        assert names(table) == ["file-0000.bin", "file-0001.bin", "file-0002.bin"]
        assert table.selected == many_shares(3)[0]


async def test_an_empty_table_has_nothing_selected() -> None:
    async with table_of() as (_, table):
        assert table.selected is None
        table.show_entries(many_shares(1))
        table.show_entries(())
        assert table.selected is None
        assert table.row_count == 0


async def test_only_cells_that_differ_are_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    async with table_of() as (_, table):
        shares = many_shares(500)
        table.show_entries(shares)
        touched: list[tuple[str, str]] = []
        real = table.update_cell

        def spy(row: str, column: str, value: Text) -> None:
            touched.append((row, column))
            real(row, column, value)

        monkeypatch.setattr(table, "update_cell", spy)
        monkeypatch.setattr(table, "clear", None)  # rebuilding would fail
        table.show_entries(altered(shares, 7, rate_up=5, path="/elsewhere"))
        assert touched == [("0007", "up")]
        assert table.get_cell("0007", "up").plain == "5 B/s"


async def test_what_did_not_change_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async with table_of() as (_, table):
        shares = many_shares(500)
        table.show_entries(shares)
        looked: list[str] = []
        real = table._make_cells

        def spy(share: Share) -> list[Cell]:
            looked.append(share.id)
            return real(share)

        monkeypatch.setattr(table, "_make_cells", spy)
        table.show_entries(altered(shares, 7, rate_up=5))
        assert looked == ["0007"]


async def test_the_cursor_stays_on_its_entry() -> None:
    async with table_of() as (pilot, table):
        shares = many_shares(40)
        table.show_entries(shares)
        table.focus()
        await pilot.press(*["j"] * 5)
        assert table.selected == shares[5]
        table.show_entries(shares[:2] + shares[4:])  # two above it go
        assert table.selected == shares[5]
        fresh = msgspec.structs.replace(SHARE, id=ShareId("new"))
        table.show_entries((fresh, *shares))  # one comes above it, two come back
        assert table.selected == shares[5]
        await pilot.press("k")
        assert table.selected == shares[4]
        table.show_entries(shares[5:])  # its own row goes
        assert table.selected is not None


async def test_keys_go_to_both_ends() -> None:
    async with table_of() as (pilot, table):
        table.show_entries(many_shares(100))
        table.focus()
        await pilot.press("G")
        assert table.selected == many_shares(100)[-1]
        await pilot.press("g")
        assert table.selected == many_shares(100)[0]


@pytest.mark.parametrize(
    ("width", "keys"),
    [
        (80, ["sign", "name", "state", "delivered"]),
        (120, ["sign", "name", "for", "size", "state", "delivered", "up", "added"]),
    ],
)
async def test_columns_fill_the_width_and_never_more(width: int, keys: list[str]) -> None:
    async with table_of(width) as (pilot, table):
        table.show_entries(many_shares(100))
        await pilot.pause()
        assert [column.key.value for column in table.ordered_columns] == keys
        taken = sum(column.get_render_width(table) for column in table.ordered_columns)
        assert taken == table.scrollable_content_region.width


async def test_a_new_width_gives_new_columns_and_keeps_the_entry() -> None:
    async with table_of(120) as (pilot, table):
        table.show_entries(many_shares(10))
        table.move_cursor(row=4)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert len(table.ordered_columns) == 4
        assert table.selected == many_shares(10)[4]


async def test_a_hostile_name_is_text_and_nothing_else() -> None:
    async with table_of() as (_, table):
        name = "\x1b[31m[red]\u202egnp.exe\n[/]"
        table.show_entries((msgspec.structs.replace(SHARE, name=name),))
        cell = table.get_row_at(0)[1]
        assert cell.plain == "\ufffd[31m[red]\ufffdgnp.exe\ufffd[/]"
        assert cell.spans == []


async def test_a_theme_recolours_the_cells() -> None:
    async with table_of() as (pilot, table):
        table.show_entries((SHARE,))
        before = table.get_cell("a1", "sign").style
        pilot.app.register_theme(LIGHT)
        pilot.app.theme = LIGHT.name
        await pilot.pause()
        after = table.get_cell("a1", "sign").style
        assert before != after
        assert LIGHT.success
        assert str(after) == LIGHT.success.lower()


async def test_a_state_that_changes_shows_in_all_its_cells() -> None:
    async with table_of() as (_, table):
        table.show_entries((SHARE,))
        table.show_entries(altered((SHARE,), 0, state=ShareState.PAUSED, rate_up=0))
        row = [cell.plain for cell in table.get_row_at(0)]
        assert row[0] == "‖"
        assert row[4] == "paused"
        assert row[6] == "–"
