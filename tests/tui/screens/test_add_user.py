from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input, Select, TextArea

from tests.tui.fakes import until
from tests.tui.screens.dialogs import opened
from tuishare.api.messages import CardInfo, NewUser
from tuishare.errors import BadInput, Refused
from tuishare.presentation.pasted_input import find_card, split_groups
from tuishare.tui.screens.key_dialog import KeyDialog

CARD = "tuishare-card-v1:AAAA"
PASTED = f"Hello,\n{CARD[:18]}\n{CARD[18:]}\n\nYours, Bob\n"


@pytest.mark.parametrize(("answer", "verified"), [("ctrl+s", False), ("ctrl+y", True)])
async def test_pasted_compared_added(answer: str, verified: bool) -> None:
    async with opened("add_user") as desk:
        desk.app.post_message(events.Paste(PASTED))
        await desk.until_said("able bold")
        assert desk.calls("card_seen") == [(CARD,)]
        assert desk.screen.query_one("#name", Input).value == "bob"
        desk.fill("groups", "@crew, family")
        await desk.press(answer)
        await desk.until_closed()
        expected = NewUser(name="bob", card=CARD, groups=("crew", "family"), verified=verified)
        assert desk.calls("add_user") == [(expected,)]


@pytest.mark.parametrize(("button", "verified"), [("accept", False), ("same", True)])
async def test_by_mouse(button: str, verified: bool) -> None:
    async with opened("add_user") as desk:
        desk.screen.query_one(TextArea).text = CARD
        await desk.until_said("able bold")
        await desk.click(button)
        await desk.until_closed()
        [(new,)] = desk.calls("add_user")
        assert isinstance(new, NewUser)
        assert new.verified is verified


async def test_a_card_that_nobody_has_seen_cannot_be_verified() -> None:
    async with opened("add_user") as desk:
        desk.agent.order_fails_with = BadInput("The card is damaged", hint="Copy it again.")
        desk.screen.query_one(TextArea).text = CARD
        await desk.until_said("! The card is damaged. Copy it again.")
        desk.fill("name", "bob")
        await desk.press("ctrl+y")
        assert not desk.screen.query_one("#same").display
        assert desk.calls("add_user") == []


async def test_another_card_takes_the_fingerprint_away_until_it_was_looked_at() -> None:
    async with opened("add_user") as desk:
        area = desk.screen.query_one(TextArea)
        area.text = CARD
        await desk.until_said("able bold")
        desk.agent.runner.clear()
        area.text = f"{CARD}B"
        await until(desk.pilot, lambda: len(desk.calls("card_seen")) == 2)
        await desk.press("ctrl+y")
        assert "able bold" not in desk.words
        assert desk.calls("add_user") == []


async def test_a_name_that_was_typed_stays_and_a_known_card_is_said() -> None:
    async with opened("add_user") as desk:
        desk.agent.card = CardInfo(name="[red]x\x1b", fingerprint="A", words="a b", known_as="robert")
        desk.fill("name", "bobby")
        desk.screen.query_one(TextArea).text = CARD
        await desk.until_said("You already have this card, as robert")
        assert desk.screen.query_one("#name", Input).value == "bobby"
        assert "[red]x\ufffd" in desk.words


async def test_faults_and_refusals_lose_nothing() -> None:
    async with opened("add_user") as desk:
        desk.screen.query_one(TextArea).text = "nonsense"
        await desk.until_said("A card begins with")
        await desk.press("ctrl+s")
        assert "Enter a name" in desk.fault("name")
        desk.fill("name", "bob")
        desk.agent.order_fails_with = Refused("That is no card")
        await desk.press("ctrl+s")
        await desk.until_said("! That is no card.")
        assert desk.screen.query_one(TextArea).text == "nonsense"
        desk.screen.query_one(TextArea).text = ""
        await desk.press("ctrl+s")
        assert "Paste their card" in desk.fault("card")


async def test_a_new_key_is_shown_this_once() -> None:
    async with opened("add_user") as desk:
        desk.screen.query_one(Select).value = "new-key"
        await desk.pilot.pause()
        desk.fill("name", "dan")
        await desk.press("ctrl+s")
        await until(desk.pilot, lambda: isinstance(desk.screen, KeyDialog))
        assert desk.calls("add_user") == [(NewUser(name="dan"),)]
        assert "ab" * 32 in desk.words


async def test_a_key_that_he_has_is_not_seen() -> None:
    async with opened("add_user") as desk:
        desk.screen.query_one(Select).value = "old-key"
        await desk.pilot.pause()
        desk.fill("name", "dan")
        await desk.press("ctrl+s")
        assert "Paste the key" in desk.fault("key")
        desk.fill("key", "ef" * 32)
        await desk.pilot.pause()
        assert "efef" not in desk.drawn
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("add_user") == [(NewUser(name="dan", key="ef" * 32),)]


def test_cards_and_groups_as_people_write_them() -> None:
    assert find_card(PASTED) == find_card(PASTED * 2) == find_card(f" {CARD} ") == CARD
    assert find_card("nothing here") == "nothinghere"
    assert split_groups(" @crew,family crew ") == ("crew", "family")
