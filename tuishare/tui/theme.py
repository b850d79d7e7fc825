"""Styles by meaning, and the themes that draw them.

Owns the styles and the three themes. Colour is never the only sign: a glyph or word carries the same meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from rich.style import Style
from textual.theme import Theme


class TextStyle(Enum):
    """Meaning of a piece of text; the value is its style in Textual's notation."""

    PLAIN = ""
    STRONG = "bold"
    QUIET = "dim"
    GOOD = "$success"
    BUSY = "$accent"
    WARN = "$warning"
    BAD = "bold $error"


DARK: Final = Theme(
    name="tuishare-dark",
    primary="#7c9cbf",
    secondary="#5f7a96",
    accent="#8fb8de",
    success="#8fbf8f",
    warning="#e0b870",
    error="#e88080",
    foreground="#d8dde3",
    background="#14181d",
    surface="#191e24",
    panel="#222932",
    dark=True,
)

LIGHT: Final = Theme(
    name="tuishare-light",
    primary="#2f5d8a",
    secondary="#54789b",
    accent="#1f5f99",
    success="#2b6e36",
    warning="#8a5a00",
    error="#a82626",
    foreground="#20262c",
    background="#f7f8f9",
    surface="#ffffff",
    panel="#e6eaee",
    dark=False,
)

PLAIN: Final = Theme(
    name="tuishare-plain",
    primary="#b0b0b0",
    secondary="#909090",
    accent="#d0d0d0",
    success="#d0d0d0",
    warning="#e8e8e8",
    error="#ffffff",
    foreground="#d8d8d8",
    background="#000000",
    surface="#0c0c0c",
    panel="#2c2c2c",
    dark=True,
)

THEMES: Final = (DARK, LIGHT, PLAIN)
"""Dark, light and without colour; the last one resembles ``NO_COLOR``."""


def rich_style(tone: TextStyle, variables: Mapping[str, str]) -> Style:
    """Return a style as rich draws it, for tables, whose cells know no theme variables.

    Args:
        tone: the style.
        variables: of the current theme, `App.theme_variables`.
    """
    words = tone.value.split()
    return Style.parse(
        " ".join(variables.get(word[1:], "") if word.startswith("$") else word for word in words)
    )
