from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from tests.tui.people import PEOPLE
from tuishare.tui.screens.recipients import MarkCheckbox, Recipients, list_recipients


def test_groups_come_first_with_their_members_then_users_with_their_trust() -> None:
    lines = [str(choice.prompt) for choice in list_recipients(PEOPLE)]
    assert lines == [
        "@crew  bob, carol",
        "@family  carol",
        "bob  not verified",
        "carol  verified",
        "dan  shared key",
    ]


def test_somebody_chosen_before_is_listed_also_when_nobody_knows_him() -> None:
    chosen = [choice for choice in list_recipients(PEOPLE, ("zoe", "bob")) if choice.initial_state]
    assert [choice.value for choice in chosen] == ["bob", "zoe"]
    assert isinstance(chosen[1].prompt, Content)
    assert "no longer known" in chosen[1].prompt.plain


class Boxes(App[None]):
    def compose(self) -> ComposeResult:
        yield Recipients(list_recipients(PEOPLE))
        yield MarkCheckbox("one box", id="box")


@pytest.mark.parametrize("ticked", [True, False])
async def test_a_tick_is_seen_without_colours(ticked: bool) -> None:
    async with Boxes().run_test() as pilot:
        if ticked:
            pilot.app.query_one(Recipients).select_all()
            pilot.app.query_one(MarkCheckbox).value = True
            await pilot.pause()
        strips = pilot.app.screen._compositor.render_strips()
        lines = ["".join(segment.text for segment in strip) for strip in strips]
        for name in ("@crew", "one box"):
            assert ("X" in next(line for line in lines if name in line).split(name, maxsplit=1)[0]) is ticked
