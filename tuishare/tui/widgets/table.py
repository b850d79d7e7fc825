"""A table of entries that changes only the cells that differ.

Owns rows, order, cursor and the fit of columns to the width. Must not know where entries come from. A full refresh
of 1,000 rows costs about 60 ms, one changed cell next to nothing; hence the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.theme import Theme
from textual.widgets import DataTable

from tuishare.api.messages import Download, Share
from tuishare.tui.columns import Cell, Column
from tuishare.tui.tones import rich_style

WIDE = 98
"""Cells from which the wide columns are shown."""

_NAME_MINIMUM = 12

E = TypeVar("E", bound=Share | Download)


class EntryTable(DataTable[Text], Generic[E]):
    """Shows entries of one kind, one row each.

    Args:
        columns: of the table.
        clock: Unix seconds, for cells that tell a time.
        id: of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "scroll_top", "Top", show=False),
        Binding("G", "scroll_bottom", "Bottom", show=False),
    ]

    def __init__(self, columns: Sequence[Column[E]], clock: Callable[[], float], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self._all = tuple(columns)
        self._clock = clock
        self._laid: tuple[tuple[Column[E], int], ...] = ()
        self._entries: dict[str, E] = {}
        self._cells: dict[str, list[Cell]] = {}

    @property
    def selected(self) -> E | None:
        """The entry under the cursor, or None in an empty table."""
        keys = list(self._entries)
        return self._entries[keys[self.cursor_row]] if 0 <= self.cursor_row < len(keys) else None

    def show_entries(self, entries: Sequence[E]) -> None:
        """Make the table show these, in this order; the cursor stays on its entry."""
        wanted = {str(entry.id): entry for entry in entries}
        staying = [key for key in self._entries if key in wanted]
        if not self._laid:
            self._entries = wanted
        elif staying != list(wanted):
            self._rebuild(wanted)
        else:
            self._drop([key for key in self._entries if key not in wanted])
            self._alter(wanted)

    def on_mount(self) -> None:
        """Draw anew in the colours of another theme."""
        self.app.theme_changed_signal.subscribe(self, self._recolour)

    def on_resize(self, event: events.Resize) -> None:
        """Choose columns for the new width."""
        laid = self._layout_columns(event.size.width - self.styles.scrollbar_size_vertical)
        if laid != self._laid and event.size.width:
            self._laid = laid
            self._rebuild(self._entries)

    def _recolour(self, _theme: Theme) -> None:
        self._rebuild(self._entries)

    def _layout_columns(self, width: int) -> tuple[tuple[Column[E], int], ...]:
        shown = [column for column in self._all if width >= WIDE or not column.wide]
        fixed = sum(column.width for column in shown) + 2 * self.cell_padding * len(shown)
        rest = max(_NAME_MINIMUM, width - fixed)
        return tuple((column, column.width or rest) for column in shown)

    def _rebuild(self, entries: dict[str, E]) -> None:
        chosen, place = self.selected, self.scroll_offset
        self.clear(columns=True)
        self._entries, self._cells = entries, {}
        for column, width in self._laid:
            title = Text(column.title, justify="right" if column.right else "left")
            self.add_column(title, width=width, key=column.key)
        for key, entry in entries.items():
            cells = self._cells[key] = self._make_cells(entry)
            self.add_row(*self._draw(cells), key=key)
        if chosen is not None and chosen.id in entries:
            self.move_cursor(row=self.get_row_index(str(chosen.id)), scroll=False)
            self.scroll_to(*place, animate=False)

    def _drop(self, keys: Sequence[str]) -> None:
        chosen = self.selected
        for key in keys:
            self.remove_row(key)
            del self._entries[key], self._cells[key]
        if keys and chosen is not None and chosen.id in self._entries:
            self.move_cursor(row=self.get_row_index(str(chosen.id)), scroll=False)

    def _alter(self, entries: dict[str, E]) -> None:
        for key, entry in entries.items():
            if self._entries[key] is entry:  # `changes.apply` keeps what did not change
                continue
            before, after = self._cells[key], self._make_cells(entry)
            for position, (column, width) in enumerate(self._laid):
                if before[position] != after[position]:
                    self.update_cell(key, column.key, self._draw_cell(after[position], column, width))
            self._cells[key] = after
        self._entries = entries

    def _make_cells(self, entry: E) -> list[Cell]:
        now = self._clock()
        return [column.cell(entry, now) for column, _ in self._laid]

    def _draw(self, cells: Sequence[Cell]) -> list[Text]:
        return [
            self._draw_cell(cell, column, width)
            for cell, (column, width) in zip(cells, self._laid, strict=True)
        ]

    def _draw_cell(self, cell: Cell, column: Column[E], width: int) -> Text:
        style = rich_style(cell.tone, self.app.theme_variables)
        text = Text(column.cut(cell.text, width), style=style, no_wrap=True)
        text.justify = "right" if column.right else "left"
        return text
