from __future__ import annotations

import pytest

from tests.tui.fakes import FULL, FakeAgent, dashboard, until
from tuishare.tui.screens.help import HelpScreen
from tuishare.tui.view import Connected
from tuishare.tui.widgets.footer import Footer


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_help_and_the_way_out_are_named_at_any_width_and_nothing_is_cut(width: int) -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        line = app.screen.query_one(Footer)
        await until(pilot, lambda: "space" in line.named)
        assert list(line.named.values())[-2:] == ["? Help", "q Quit"]
        assert line.visual.get_optimal_width({}, width) <= line.size.width
        assert ("ctrl+p" in line.named) == (width >= 120)


async def test_the_filter_and_the_marks_name_their_way_out() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(120, 24)) as pilot:
        line = app.screen.query_one(Footer)
        await until(pilot, lambda: "space" in line.named)
        assert "escape" not in line.named
        await pilot.press("m")
        await until(pilot, lambda: line.named.get("escape") == "esc Unmark")
        await pilot.press("slash")
        await until(pilot, lambda: line.named.get("escape") == "esc Show all")
        assert "slash" not in line.named
        await pilot.press("escape")
        await until(pilot, lambda: line.named.get("escape") == "esc Unmark")
        assert line.named["ctrl+p"] == "^p Commands"
        await pilot.press("escape")
        await until(pilot, lambda: "escape" not in line.named)
        assert "slash" in line.named


async def test_each_name_is_a_button() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(80, 24)) as pilot:
        line = app.screen.query_one(Footer)
        await until(pilot, lambda: "question_mark" in line.named)
        words = "  ".join(line.named.values())
        await pilot.click(Footer, offset=(1 + words.index("? Help") + 5, 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
