"""The parts of a table: cells, columns, and the choice of columns for a width.

Owns how columns fit the width. Pure; a cell holds untrusted text, which the table makes safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from tuishare.tui.cell_text import clip
from tuishare.tui.theme import TextStyle

E = TypeVar("E")

WIDE: Final = 98
"""Cells from which the wide columns are shown."""

_NAME_MINIMUM: Final = 12
_NAME_COMFORT: Final = 18


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its untrusted text, not yet cut, and its style."""

    text: str
    tone: TextStyle = TextStyle.PLAIN


@dataclass(frozen=True, slots=True)
class Column(Generic[E]):
    """One column of a table.

    Attributes:
        key: stable name.
        title: heading.
        width: in cells; 0 for the column that takes the rest.
        cell: makes the cell for an entry at a moment (Unix seconds).
        wide: shown only in wide tables.
        right: aligned to the right.
        cut: makes a text safe and as narrow as the column.
        order: sort key; None for a column that cannot be sorted by.
    """

    key: str
    title: str
    width: int
    cell: Callable[[E, float], Cell]
    wide: bool = False
    right: bool = False
    cut: Callable[[str, int], str] = clip
    order: Callable[[E], Any] | None = None


def lay_out(columns: Sequence[Column[E]], width: int) -> tuple[tuple[Column[E], int], ...]:
    """Choose the columns for a table of that many cells, with their widths; the last wide ones are dropped first."""
    shown = [column for column in columns if width >= WIDE or not column.wide]
    while _rest(shown, width) < _NAME_COMFORT and any(column.wide for column in shown):
        shown.remove([column for column in shown if column.wide][-1])
    rest = max(_NAME_MINIMUM, _rest(shown, width))
    return tuple((column, column.width or rest) for column in shown)


def _rest(columns: Sequence[Column[E]], width: int) -> int:
    return width - sum(column.width + 2 for column in columns)
