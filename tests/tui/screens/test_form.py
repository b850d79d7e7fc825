"""What holds for every dialog alike."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Button

from tests.api.samples import SHARE
from tests.tui.fakes import CALM, GONE, FakeAgent, dashboard, until
from tests.tui.people import BOB, DAN, EVE, HOSTILE, PEOPLE, WAITING, known
from tests.tui.screens.dialogs import Desk, opened
from tuishare.errors import Refused
from tuishare.tui.dashboard_base import DialogKind, OpenDialog, Subject
from tuishare.tui.screens.form import Form
from tuishare.tui.view import Lost

FOLDER = CALM.drop_folders[0]
ABOUT: dict[str, tuple[Subject, ...]] = {
    "revoke": (SHARE,),
    "approve": (WAITING,),
    "choose_files": (WAITING,),
    "change_user": (BOB,),
    "revoke_user": (BOB, DAN),
    "change_folder": (FOLDER,),
}
EVERY = sorted(DialogKind)
PLAIN = {"new_share", "add_user", "settings", "invite", "invitations", "join", "open_envelope"}
"""Dialogs that show no name when they open."""


@pytest.mark.parametrize("kind", EVERY)
async def test_keys_and_mouse_reach_everything_whatever_the_room_and_whatever_becomes_of_the_agent(
    kind: str,
) -> None:
    about = ABOUT.get(kind, ())
    async with opened(kind, about) as desk:
        screen = desk.screen
        assert_buttons_in_sight(desk)
        controls = set(screen.focus_chain)
        seen = set()
        for _ in controls:
            await desk.press("tab")
            assert screen.focused is not None
            seen.add(screen.focused)
        assert seen == controls
        desk.agent.say(GONE)
        await until(desk.pilot, lambda: isinstance(desk.app.view.connection, Lost))
        desk.agent.say(known(BOB))
        desk.app._stream.wake()
        await until(desk.pilot, lambda: desk.app.view.snapshot == known(BOB))
        assert desk.screen is screen
        before = len(desk.agent.calls)
        await desk.press("escape")
        assert desk.closed
        assert desk.agent.calls[before:] == []

        await desk.pilot.resize_terminal(60, 20)
        desk.app.post_message(OpenDialog(DialogKind(kind), about))
        await until(desk.pilot, lambda: not desk.closed)
        assert_buttons_in_sight(desk)
        before = len(desk.agent.calls)
        await desk.click("cancel")
        assert desk.closed
        assert desk.agent.calls[before:] == []


def assert_buttons_in_sight(desk: Desk) -> None:
    buttons = [button for button in desk.screen.query(Button) if button.display]
    assert len(buttons) >= 2
    for button in buttons:
        assert desk.screen.region.contains_region(button.region), button


async def test_a_refusal_is_said_in_the_dialog() -> None:
    async with opened("rotate") as desk:
        desk.agent.order_fails_with = Refused("[red]No\x1b", hint="Never.")
        await desk.press("ctrl+s")
        await desk.until_said("! [red]No\ufffd. Never.")
        desk.agent.order_fails_with = None
        await desk.press("ctrl+s")
        await desk.until_closed()
        assert len(desk.calls("rotate_identity")) == 2


async def test_no_traceback_whatever_happens() -> None:
    async with opened("rotate") as desk:
        desk.agent.order_fails_with = ZeroDivisionError()
        await desk.press("ctrl+s")
        await desk.until_said("The request to the agent failed")


async def test_asked_twice_in_haste_it_is_done_once() -> None:
    async with opened("rotate") as desk:
        desk.agent.runner.clear()
        await desk.press("ctrl+s", "ctrl+s")
        await desk.until_said("Asking the agent")
        await desk.click("accept")
        desk.agent.runner.set()
        await desk.until_closed()
        assert len(desk.calls("rotate_identity")) == 1


@pytest.mark.parametrize("kind", ["revoke", "revoke_user", "rotate", "approve"])
async def test_a_hasty_enter_loses_nothing(kind: str) -> None:
    async with opened(kind, ABOUT.get(kind, ())) as desk:
        before = len(desk.agent.calls)
        await desk.press("enter")
        assert desk.agent.calls[before:] == []


async def test_hostile_names_are_drawn_safely() -> None:
    evil = msgspec.structs.replace(PEOPLE, users=(EVE,), card=HOSTILE, words=HOSTILE, fingerprint=HOSTILE)
    folder = msgspec.structs.replace(FOLDER, path=f"/{HOSTILE}", users=(HOSTILE,))
    delivery = msgspec.structs.replace(SHARE.deliveries[0], user=HOSTILE)
    about: dict[str, tuple[Subject, ...]] = {
        "revoke": (msgspec.structs.replace(SHARE, name=HOSTILE, deliveries=(delivery,)),),
        "approve": (msgspec.structs.replace(WAITING, name=HOSTILE, sender=HOSTILE, note=HOSTILE),),
        "choose_files": (msgspec.structs.replace(WAITING, name=HOSTILE),),
        "change_user": (EVE,),
        "revoke_user": (EVE,),
        "change_folder": (folder,),
    }
    snapshot = msgspec.structs.replace(known(), people=evil)
    async with opened(EVERY[0], about.get(EVERY[0], ()), snapshot=snapshot) as desk:
        for kind in EVERY:
            if desk.closed:
                desk.app.post_message(OpenDialog(kind, about.get(kind, ())))
                await until(desk.pilot, lambda: not desk.closed)
            drawn = desk.drawn
            assert not {"\x1b", "\u202e"} & set(drawn), kind
            assert "[red]" in drawn or kind in PLAIN, kind
            await desk.press("escape")
            await until(desk.pilot, lambda: desk.closed)


async def test_a_form_that_says_nothing_of_its_own_has_a_way_out() -> None:
    agent = FakeAgent(known())
    app = dashboard(agent)
    async with app.run_test() as pilot:
        app.push_screen(Form())
        await pilot.pause()
        await pilot.press("ctrl+s", "escape")
        assert not isinstance(app.screen, Form)
