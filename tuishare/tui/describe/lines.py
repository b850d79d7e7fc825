"""Lines that several descriptions share. Pure; untrusted text is made safe here."""

from __future__ import annotations

from textual.content import Content

from tuishare.tui.cell_text import clean
from tuishare.tui.cells import Cell
from tuishare.tui.theme import TextStyle

LABEL = 13
"""Cells of a label."""


def write_fact(label: str, text: str, width: int = LABEL) -> Content:
    """Return a line of a label and untrusted text."""
    return Content.assemble((f"{label:<{width}}", TextStyle.QUIET.value), clean(text))


def write_hint(hint: str) -> list[Content]:
    """Return the line with the way out of a problem, if one is known."""
    return [Content.styled(f"→ {clean(hint)}", TextStyle.WARN.value)] if hint else []


def write_title(name: str, before: Cell | None = None, after: Cell | None = None) -> Content:
    """Return the first line: an untrusted name between optional cells."""
    parts = [
        (before.text, before.tone.value) if before else None,
        (clean(name), TextStyle.STRONG.value),
        (after.text, after.tone.value) if after else None,
    ]
    return Content("  ").join([Content.styled(*part) for part in parts if part])
