from __future__ import annotations

import itertools

import pytest
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from tuishare.tui.theme import DARK, LIGHT, TextStyle, rich_style


def luminance(colour: Color) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [part / 255 for part in colour.rgb]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(luminance(Color.parse(text)) for text in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_every_colour_can_be_read_on_every_ground(theme: Theme) -> None:
    inks = (theme.foreground, theme.accent, theme.success, theme.warning, theme.error)
    grounds = (theme.background, theme.surface, theme.panel)
    for ink, ground in itertools.product(inks, grounds):
        assert ink
        assert ground
        assert contrast(ink, ground) >= 4.5, f"{ink} on {ground}"


def test_a_tone_becomes_the_colour_of_the_theme() -> None:
    variables = {"success": "#112233", "error": "#445566"}
    assert rich_style(TextStyle.GOOD, variables) == Style.parse("#112233")
    assert rich_style(TextStyle.BAD, variables) == Style.parse("bold #445566")
    assert rich_style(TextStyle.PLAIN, variables) == Style.null()
    assert rich_style(TextStyle.QUIET, variables) == Style.parse("dim")
