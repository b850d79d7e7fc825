"""Joining from the dashboard: what is pasted, and the words that both sides see."""

from __future__ import annotations

import pytest
from textual.widgets import TextArea

from tests.tui.fakes import until
from tests.tui.screens.dialogs import Desk, opened
from tuishare.api.messages import Joining
from tuishare.link.peer import LinkFailed
from tuishare.presentation.pasted_input import find_invitation
from tuishare.tui.screens.join import JoinedScreen

STRING = "tuishare-invite-v1:abcdef"


def paste(desk: Desk, text: str) -> None:
    desk.screen.query_one("#invitation", TextArea).text = text


@pytest.mark.parametrize(
    "text",
    [
        STRING,
        f" {STRING}\n",
        f"Use this:\n{STRING} and tell me",
        f"> {STRING[:22]}\n{STRING[22:]}\n\nSee you",
    ],
)
def test_it_is_found_in_what_was_pasted(text: str) -> None:
    assert find_invitation(text) == STRING


async def test_both_sides_see_the_same_words() -> None:
    async with opened("join") as desk:
        paste(desk, f"Hello! {STRING}")
        await desk.press("ctrl+s")
        await until(desk.pilot, lambda: isinstance(desk.screen, JoinedScreen))
        assert desk.calls("join") == [(STRING,)]
        assert "alice is known to you now (verified)" in desk.words
        assert "one two three four" in desk.words
        await desk.press("enter")
        assert desk.closed


async def test_an_error_is_a_sentence_and_the_text_stays() -> None:
    async with opened("join") as desk:
        paste(desk, "hello")
        await desk.press("ctrl+s")
        assert "begins with tuishare-invite-v1:" in desk.fault("invitation")
        paste(desk, STRING)
        desk.agent.order_fails_with = LinkFailed("The inviter did not take the invitation", hint="Ask again.")
        await desk.press("ctrl+s")
        await desk.until_said("! The inviter did not take the invitation. Ask again.")
        assert desk.screen.query_one("#invitation", TextArea).text == STRING


async def test_an_inviter_who_is_not_reached_is_called_again() -> None:
    async with opened("join") as desk:
        desk.agent.joined = Joining(id="ef" * 16, until=9, error="192.0.2.1:50011 does not answer")
        paste(desk, STRING)
        await desk.press("ctrl+s")
        await desk.until_said("192.0.2.1:50011 does not answer. Your agent calls again until")
        assert "By hand: exchange cards." in desk.words
        await desk.press("enter")
        assert desk.closed
