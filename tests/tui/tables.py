"""Reading a table of the dashboard: how many rows, where the cursor is, what is drawn, how it is sorted."""

from __future__ import annotations

from typing import Any

from tuishare.tui.widgets.table import EntryTable


def count_rows(table: EntryTable[Any]) -> int:
    return len(table._entries)


def cursor_row(table: EntryTable[Any]) -> int:
    return table._row


def sorted_by(table: EntryTable[Any]) -> tuple[str, bool]:
    """Give the key of the column to sort by, empty for the default order, and whether it is reversed."""
    return (table._sort.key if table._sort else "", table._reverse)


def read_row(table: EntryTable[Any], row: int) -> list[str]:
    """Give the texts of one row as drawn, without padding."""
    return [text.strip() for text, _ in table._texts(table._entries[row])]
