from __future__ import annotations

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Static

from tests.api.samples import SHARE
from tests.tui.fakes import FULL, GONE, FakeAgent, dashboard, snapshot, until
from tuishare.api.messages import ShareAction
from tuishare.tui.screens.confirm import ConfirmScreen
from tuishare.tui.screens.main_screen import MainScreen
from tuishare.tui.view import Connected, Lost


async def opened(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.view.connection, Connected))  # type: ignore[attr-defined]
    await pilot.press("D")
    assert isinstance(pilot.app.screen, ConfirmScreen)


async def answered(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    await until(pilot, lambda: all(worker.group != "orders" for worker in pilot.app.workers))


async def test_answers_by_key() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        for keys, agreed in (
            (["y"], True),
            (["right", "enter"], True),
            (["tab", "enter"], True),
            (["n"], False),
            (["escape"], False),
            (["enter"], False),
            (["right", "left", "enter"], False),
        ):
            agent.orders.clear()
            await opened(pilot)
            await pilot.press(*keys)
            await answered(pilot)
            assert agent.orders == ([(SHARE.id, ShareAction.DELETE)] if agreed else []), keys


async def test_answers_by_mouse() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        for button, orders in (("#no", []), ("#yes", [(SHARE.id, ShareAction.DELETE)])):
            await opened(pilot)
            await pilot.click(button)
            await answered(pilot)
            assert agent.orders == orders


async def test_no_other_key_answers_or_reaches_what_lies_below() -> None:
    agent = FakeAgent(FULL)
    async with dashboard(agent).run_test() as pilot:
        await opened(pilot)
        await pilot.press("D", "f", "s", "q", "j", "1", "2")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert agent.orders == []
        assert pilot.app.is_running


async def test_it_is_about_what_was_chosen_whatever_happens_below() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await opened(pilot)
        agent.say(GONE)
        await until(pilot, lambda: isinstance(app.view.connection, Lost))
        agent.say(snapshot())
        app._stream.wake()
        await until(pilot, lambda: app.view.snapshot == snapshot())
        await pilot.press("y")
        await until(pilot, lambda: agent.orders == [(SHARE.id, ShareAction.DELETE)])


@pytest.mark.parametrize("size", [(80, 24), (40, 20)])
async def test_any_name_leaves_the_answers_in_sight(size: tuple[int, int]) -> None:
    name = "\x1b[31mevil[red]\u202e" + "写" * 300
    share = msgspec.structs.replace(SHARE, name=name, path=f"/{name}" * 30)
    async with dashboard(FakeAgent(snapshot((share,)))).run_test(size=size) as pilot:
        await opened(pilot)
        words = " ".join(str(static.content) for static in pilot.app.screen.query(Static))
        assert not {"\x1b", "\u202e"} & set(words)
        assert "[red]" in words
        for button in pilot.app.screen.query(Button):
            assert pilot.app.screen.region.contains_region(button.region)
            assert button.region.area
