"""A table of entries that draws only the visible rows.

Owns rows, order, marks, cursor and the fit of columns to the width. Must not know where entries come from. Textual's
own table keeps every cell of every row; here a new snapshot costs one sort and the lines that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.theme import Theme

from tuishare.tui.cells import Cell, Column, lay_out
from tuishare.tui.tab_models import Listing
from tuishare.tui.theme import TextStyle, rich_style

E = TypeVar("E")

_DOWN, _UP = " ↓", " ↑"


class EntryTable(ScrollView, Generic[E], can_focus=True):
    """Shows entries of one kind, one row each.

    Args:
        listing: what the entries are and which columns they have.
        clock: Unix seconds, for cells that show a time.
        id: of the widget.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "go(0)", "First", show=False),
        Binding("end,G", "go(-1)", "Last", show=False),
        Binding("m", "mark", "Mark", show=False),
        Binding("M", "mark_all", "Mark all", show=False),
        Binding("less_than_sign", "sort(-1)", "Sort by the column before", show=False),
        Binding("greater_than_sign", "sort(1)", "Sort by the next column", show=False),
        Binding("equals_sign", "reverse", "Reverse the order", show=False),
    ]

    class Changed(Message):
        """The cursor or the marks have changed."""

    def __init__(self, listing: Listing[E], clock: Callable[[], float], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._listing = listing
        self._clock = clock
        self._laid: tuple[tuple[Column[E], int], ...] = ()
        self._entries: list[E] = []
        self._row = 0
        self._sort: Column[E] | None = None
        self._reverse = False
        self._marks: set[str] = set()
        self._styles: dict[tuple[TextStyle, str], Style] = {}

    @property
    def selected(self) -> E | None:
        """The entry under the cursor, or None in an empty table."""
        return self._entries[self._row] if self._row < len(self._entries) else None

    @property
    def marked(self) -> tuple[E, ...]:
        """The marked entries, in the order of the table."""
        if not self._marks:
            return ()
        return tuple(entry for entry in self._entries if self._listing.key(entry) in self._marks)

    def show_entries(self, entries: Iterable[E]) -> None:
        """Show these entries; cursor and marks stay on theirs."""
        ordered = self._arrange(entries)
        if self._marks:
            self._marks &= {self._listing.key(entry) for entry in ordered}
        chosen, before = self.selected, self._in_sight()
        self._entries = ordered
        self._row = self._find(chosen)
        self.virtual_size = Size(self.size.width, len(ordered) + 1)
        self._refresh_rows(before)

    def clear_marks(self) -> None:
        """Clear all marks."""
        self._marks.clear()
        self._announce()

    def on_mount(self) -> None:
        """Follow changes of the theme."""
        self.app.theme_changed_signal.subscribe(self, self._recolour)

    def on_resize(self, event: events.Resize) -> None:
        """Choose columns for the new width."""
        self._laid = lay_out(self._listing.columns, self.scrollable_content_region.width or event.size.width)
        self.virtual_size = Size(self.size.width, len(self._entries) + 1)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to the clicked row, or sort by the clicked column."""
        if event.y > 0:
            self._go(min(event.y - 1 + self.scroll_offset.y, len(self._entries) - 1))
        elif column := self._column_at(event.x):
            self._sort_by(column)

    def render_line(self, y: int) -> Strip:
        """Draw one line: the titles, or an entry."""
        width = self.scrollable_content_region.width
        row = y - 1 + self.scroll_offset.y
        if y == 0:
            line, name = self._titles(), "table--header"
        elif row < len(self._entries):
            line, name = self._texts(self._entries[row]), "table--cursor" if row == self._row else ""
        else:
            line, name = [], ""
        segments = [Segment(text, self._style(tone, name)) for text, tone in line]
        return Strip(segments).adjust_cell_length(width, self._style(TextStyle.PLAIN, name))

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._go(self._row + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by as many rows as are visible."""
        self._go(self._row + pages * max(1, self.size.height - 2))

    def action_go(self, row: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._go(row if row >= 0 else len(self._entries) - 1)

    def action_mark(self) -> None:
        """Mark or unmark the entry under the cursor, and move to the next."""
        if (entry := self.selected) is not None:
            self._marks ^= {self._listing.key(entry)}
            self._go(self._row + 1)
            self._announce()

    def action_mark_all(self) -> None:
        """Mark all entries, or none when all are marked."""
        every = {self._listing.key(entry) for entry in self._entries}
        self._marks = set() if self._marks == every else every
        self._announce()

    def action_sort(self, step: int) -> None:
        """Sort by the next or previous column; after the last one, in the default order."""
        order: list[Column[E] | None] = [None, *(column for column, _ in self._laid if column.order)]
        present = order.index(self._sort) if self._sort in order else 0
        self._sort, self._reverse = order[(present + step) % len(order)], False
        self._resort()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self._reverse = not self._reverse
        self._resort()

    def _sort_by(self, column: Column[E]) -> None:
        if column.order is None:
            return
        self._reverse = not self._reverse if column is self._sort else False
        self._sort = column
        self._resort()

    def _resort(self) -> None:
        self.show_entries(self._entries)
        self.refresh()

    def _arrange(self, entries: Iterable[E]) -> list[E]:
        ordered = sorted(entries, key=self._listing.order)  # also the order among equals
        if self._sort is not None and self._sort.order is not None:
            ordered.sort(key=self._sort.order)
        return ordered[::-1] if self._reverse else ordered

    def _find(self, chosen: E | None) -> int:
        if chosen is not None:
            wanted, key = self._listing.key(chosen), self._listing.key
            for row, entry in enumerate(self._entries):
                if key(entry) == wanted:
                    return row
        return max(0, min(self._row, len(self._entries) - 1))

    def _go(self, row: int) -> None:
        row = max(0, min(row, len(self._entries) - 1))
        before = self._in_sight()
        self._row = row
        self._refresh_rows(before)
        # the titles cover the first visible line
        self.scroll_to_region(Region(0, row, 1, 2), animate=False, force=True)
        self.post_message(self.Changed())

    def _announce(self) -> None:
        self.refresh()
        self.post_message(self.Changed())

    def _in_sight(self) -> list[tuple[E, bool]]:
        first = self.scroll_offset.y
        rows = enumerate(self._entries[first : first + self.size.height], first)
        return [(entry, row == self._row) for row, entry in rows]

    def _refresh_rows(self, before: Sequence[tuple[E, bool]]) -> None:
        after = self._in_sight()
        for line in range(max(len(before), len(after))):
            old, new = before[line : line + 1], after[line : line + 1]
            # `changes.apply` keeps the very entries that did not change, so identity is enough and fast
            same = old and new and old[0][0] is new[0][0] and old[0][1] == new[0][1]
            if not same:
                self.refresh(Region(0, line + 1, self.size.width, 1))

    def _recolour(self, _theme: Theme) -> None:
        self._styles.clear()
        self.refresh()

    def _style(self, tone: TextStyle, name: str) -> Style:
        style = self._styles.get((tone, name))
        if style is None:
            base = self.get_component_rich_style(name) if name else self.rich_style
            style = self._styles[tone, name] = base + rich_style(tone, self.app.theme_variables)
        return style

    def _column_at(self, x: int) -> Column[E] | None:
        for column, width in self._laid:
            if x < width + 2:
                return column
            x -= width + 2
        return None

    def _titles(self) -> list[tuple[str, TextStyle]]:
        arrow = _UP if self._reverse else _DOWN
        titles = ((column, width, arrow if column is self._sort else "") for column, width in self._laid)
        return [
            (_pad(column.title + sign, column, width), TextStyle.STRONG if sign else TextStyle.PLAIN)
            for column, width, sign in titles
        ]

    def _texts(self, entry: E) -> list[tuple[str, TextStyle]]:
        now, marked = self._clock(), self._listing.key(entry) in self._marks
        line = []
        for position, (column, width) in enumerate(self._laid):
            cell = Cell("✚", TextStyle.STRONG) if marked and position == 0 else column.cell(entry, now)
            line.append((_pad(cell.text, column, width), cell.tone))
        return line


def _pad(text: str, column: Column[E], width: int) -> str:
    text = column.cut(text, width)
    space = " " * (width - cell_len(text))
    return f" {space}{text} " if column.right else f" {text}{space} "
