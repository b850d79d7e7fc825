from __future__ import annotations

import msgspec
from textual.widgets import Input

from tests.api.samples import INTRODUCTION
from tests.tui.people import BOB
from tests.tui.screens.dialogs import opened
from tuishare.api.messages import (
    GroupChange,
    IntroductionAccepted,
    UserChange,
    UsersToIntroduce,
)
from tuishare.presentation.row_models import Group
from tuishare.tui.screens.recipients import MarkCheckbox

CREW = Group("crew", (BOB,), introduced=False)


async def test_one_is_accepted_once_with_nothing_but_the_defaults() -> None:
    async with opened("change_user", (INTRODUCTION,)) as desk:
        assert "bob introduces carol (in crew)" in desk.words
        await desk.press("ctrl+s")
        await desk.until_closed()
        accepted = IntroductionAccepted(id=INTRODUCTION.id)
        assert desk.agent.calls == [("accept_introduction", accepted)]


async def test_name_groups_approval_and_always_are_chosen() -> None:
    taken = msgspec.structs.replace(INTRODUCTION, taken=True)
    async with opened("change_user", (taken,)) as desk:
        assert "taken" in desk.screen.query_one("#name", Input).placeholder
        desk.fill("name", "Karla")
        desk.fill("groups", "@crew")
        for box in ("admitted", "always"):
            desk.screen.query_one(f"#{box}", MarkCheckbox).value = True
        await desk.press("ctrl+s")
        await desk.until_closed()
        accepted = IntroductionAccepted(id=taken.id, name="Karla", groups=("crew",), admitted=True)
        assert desk.calls("accept_introduction") == [(accepted,)]
        assert desk.calls("change_user") == [(UserChange(name="bob", introduces=True),)]


async def test_one_is_declined() -> None:
    async with opened("change_user", (INTRODUCTION,)) as desk:
        await desk.click("decline")
        await desk.until_closed()
        assert desk.agent.calls == [("decline_introduction", INTRODUCTION.id)]


async def test_a_group_is_introduced_by_itself_or_once() -> None:
    async with opened("change_user", (CREW,)) as desk:
        desk.screen.query_one("#introduce", MarkCheckbox).value = True
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert desk.agent.calls == [("change_group", GroupChange(name="crew", introduce=True))]
    async with opened("change_user", (CREW,)) as desk:
        await desk.click("now")
        await desk.until_closed()
        assert desk.agent.calls == [("introduce", UsersToIntroduce(names=("@crew",)))]


async def test_a_user_is_followed_or_admitted() -> None:
    verified = msgspec.structs.replace(BOB, verified=True)
    introduced = msgspec.structs.replace(BOB, verified=False, introduced_by="alice")
    for user, box in ((verified, "introduces"), (introduced, "admitted")):
        async with opened("change_user", (user,)) as desk:
            desk.screen.query_one(f"#{box}", MarkCheckbox).value = True
            await desk.press("ctrl+s")
            await desk.until_closed()
            assert desk.calls("change_user") == [
                (msgspec.structs.replace(UserChange(name="bob"), **{box: True}),)
            ]
