"""Numbers and names as short text for a terminal.

Owns the wording of times, bars and cut names; sizes and rates are those of `tuishare.config.units`. Pure: the present
moment is an argument. Widths are terminal cells, not characters.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rich.cells import cell_len, set_cell_size

from tuishare.config.units import format_rate, format_size
from tuishare.sanitize import for_display

__all__ = [
    "NOTHING",
    "clean",
    "clip",
    "draw_bar",
    "fit",
    "format_count",
    "format_moment",
    "format_percent",
    "format_rate",
    "format_size",
    "format_span",
    "pad",
]

NOTHING: Final = "–"
"""Shown where there is no value."""

_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"))
_NAME_LIMIT = 4096  # characters; longer than any path


def format_span(seconds: float) -> str:
    """Write a length of time in its largest unit: ``12 s``, ``4 min``, ``3 d``. Never negative."""
    for length, unit in _SPANS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def format_moment(moment: float, now: float) -> str:
    """Write a time in six cells, local time: ``10:02`` today, ``Nov 02`` this year, else ``2024``."""
    then, today = (datetime.fromtimestamp(value).astimezone() for value in (moment, now))
    if then.date() == today.date():
        return f"{then:%H:%M}"
    return f"{then:%b %d}" if then.year == today.year else f"{then:%Y}"


def format_count(number: int, one: str, many: str = "") -> str:
    """Write a number of things: ``1 file``, ``1,204 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def format_percent(fraction: float) -> str:
    """Write a fraction as whole percent; 100 % only when it is all."""
    return f"{100 if fraction >= 1 else min(99, int(max(0.0, fraction) * 100))} %"


def draw_bar(fraction: float, width: int) -> str:
    """Draw a progress bar; it is full only when all is done, and empty only when nothing is."""
    fraction = min(1.0, max(0.0, fraction))
    filled = int(fraction * width)
    if 0 < fraction < 1:
        filled = min(width - 1, max(1, filled))
    return "█" * filled + "░" * (width - filled)


def clean(text: str) -> str:
    """Make a foreign text safe to draw: one line, no control, format or bidi characters; see `visible`."""
    return for_display(text, _NAME_LIMIT)


def fit(text: str, width: int) -> str:
    """Make a foreign text safe and at most ``width`` cells wide, cut in the middle where it is longer.

    The beginning tells what it is and the end has the extension; both stay.
    """
    text = clean(text)
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    tail = (width - 1) // 2
    return f"{set_cell_size(text, width - 1 - tail).rstrip()}…{_last_cells(text, tail)}"


def clip(text: str, width: int) -> str:
    """Make a foreign sentence safe and at most ``width`` cells wide, cut at its end."""
    text = clean(text)
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def pad(text: str, width: int) -> str:
    """Fill a text that is safe and short enough with spaces up to a width in cells."""
    return text + " " * (width - cell_len(text))


def _last_cells(text: str, width: int) -> str:
    taken = 0
    for index in range(len(text) - 1, -1, -1):
        taken += cell_len(text[index])
        if taken > width:
            return text[index + 1 :]
    return text
