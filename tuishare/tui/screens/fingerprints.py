"""A fingerprint as people compare it.

Owns how it is laid out: the words in two lines, because twelve of them do not fit into one. Pure.
"""

from __future__ import annotations

from textual.content import Content

from tuishare.tui.formats import clip
from tuishare.tui.theme import TextStyle

_WIDTH = 68


def show_fingerprint(words: str, base32: str) -> Content:
    """Lay out the words to be read aloud, and the same as base32 below."""
    parts = words.split()
    half = (len(parts) + 1) // 2
    lines = [
        Content.styled(clip(" ".join(line), _WIDTH), TextStyle.STRONG.value)
        for line in (parts[:half], parts[half:])
    ]
    return Content("\n").join([*lines, Content.styled(clip(base32, _WIDTH), TextStyle.QUIET.value)])
