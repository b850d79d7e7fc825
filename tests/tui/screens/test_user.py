from __future__ import annotations

import pytest
from textual.widgets import Input, TextArea

from tests.tui.fakes import until
from tests.tui.people import BOB, CAROL, DAN
from tests.tui.screens.dialogs import opened
from tuishare.api.messages import User, UserChange
from tuishare.tui.dashboard_base import DialogKind, OpenDialog
from tuishare.tui.screens.key_dialog import KeyDialog
from tuishare.tui.screens.recipients import MarkCheckbox
from tuishare.tui.screens.revoke import RevokeUserScreen
from tuishare.tui.screens.user import NewKeyScreen, RemoveUserScreen


async def test_nothing_changed_asks_nothing() -> None:
    async with opened("change_user", (BOB,)) as desk:
        assert "has 3 of 5 shares" in desk.words
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.agent.calls == []


async def test_only_what_is_different_is_sent() -> None:
    async with opened("change_user", (BOB,)) as desk:
        desk.screen.query_one("#verified", MarkCheckbox).value = True
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("change_user") == [(UserChange(name="bob", verified=True),)]


async def test_groups_trust_and_a_new_card() -> None:
    async with opened("change_user", (CAROL,)) as desk:
        desk.fill("groups", "crew")
        desk.screen.query_one("#verified", MarkCheckbox).value = False
        desk.screen.query_one(TextArea).text = "nonsense"
        await desk.press("ctrl+s")
        assert "A card begins with" in desk.fault("card")
        desk.screen.query_one(TextArea).text = "tuishare-card-v1:\nAAAA"
        await desk.press("ctrl+s")
        await desk.until_closed()
        change = UserChange(name="carol", groups=("crew",), verified=False, card="tuishare-card-v1:AAAA")
        assert desk.calls("change_user") == [(change,)]


async def test_a_user_with_a_key_has_no_card_but_may_send_raw() -> None:
    async with opened("change_user", (DAN,)) as desk:
        assert not desk.screen.query("#card, #verified")
        desk.screen.query_one("#raw", MarkCheckbox).value = True
        desk.screen.query_one("#groups", Input).value = "@crew"
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.calls("change_user") == [(UserChange(name="dan", groups=("crew",), accept_raw=True),)]


@pytest.mark.parametrize(
    ("button", "screen", "call"),
    [
        ("remove", RemoveUserScreen, ("remove_user", "dan")),
        ("revoke", RevokeUserScreen, ("revoke_user", "dan")),
        ("renew", NewKeyScreen, ("new_key", "dan")),
    ],
)
async def test_what_loses_something_asks_once_more(
    button: str, screen: type, call: tuple[object, ...]
) -> None:
    async with opened("change_user", (DAN,)) as desk:
        await desk.click(button)
        await until(desk.pilot, lambda: isinstance(desk.screen, screen))
        assert desk.agent.calls == []
        assert "dan" in desk.words
        await desk.press("enter")  # Cancel has the focus
        assert desk.closed
        desk.app.post_message(OpenDialog(DialogKind.CHANGE_USER, (DAN,)))
        await desk.pilot.pause()
        await desk.click(button)
        await desk.press("ctrl+s")
        await until(desk.pilot, lambda: desk.closed or isinstance(desk.screen, KeyDialog))
        assert desk.agent.calls == [call]


@pytest.mark.parametrize(("user", "told"), [(BOB, True), (DAN, False)])
async def test_who_is_removed_and_holds_tickets_is_told_of(user: User, told: bool) -> None:
    async with opened("change_user", (user,)) as desk:
        await desk.click("remove")
        await until(desk.pilot, lambda: isinstance(desk.screen, RemoveUserScreen))
        assert ("have tickets for 5 shares: revoke these first" in desk.words) is told
