"""Text that fits a number of terminal cells.

Owns how untrusted text is made safe and cut, and how a bar is drawn. Pure. Widths are cells, not characters; numbers,
times and states are worded in `tuishare.presentation`.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tuishare.sanitize import for_display

_NAME_LIMIT = 4096  # characters; longer than any path


def draw_bar(fraction: float, width: int) -> str:
    """Draw a progress bar: full only at 1, empty only at 0."""
    fraction = min(1.0, max(0.0, fraction))
    filled = int(fraction * width)
    if 0 < fraction < 1:
        filled = min(width - 1, max(1, filled))
    return "█" * filled + "░" * (width - filled)


def clean(text: str) -> str:
    """Make untrusted text safe to draw: one line without control or bidi characters."""
    return for_display(text, _NAME_LIMIT)


def fit(text: str, width: int) -> str:
    """Make untrusted text safe and at most ``width`` cells wide, cut in the middle.

    The beginning identifies a name and the end holds its extension; both are kept.
    """
    text = clean(text)
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    tail = (width - 1) // 2
    return f"{set_cell_size(text, width - 1 - tail).rstrip()}…{_last_cells(text, tail)}"


def clip(text: str, width: int) -> str:
    """Make an untrusted sentence safe and at most ``width`` cells wide, cut at its end."""
    text = clean(text)
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def pad(text: str, width: int) -> str:
    """Pad a safe text with spaces to a width in cells."""
    return text + " " * (width - cell_len(text))


def _last_cells(text: str, width: int) -> str:
    taken = 0
    for index in range(len(text) - 1, -1, -1):
        taken += cell_len(text[index])
        if taken > width:
            return text[index + 1 :]
    return text
