from __future__ import annotations

from textual.app import App

from tests.tui.fakes import FULL, GONE, Clock, FakeAgent, dashboard, until
from tuishare.tui.widgets.header import Banner, Header


def headline(app: App[None]) -> str:
    return str(app.screen.query_one(Header).content)


def notice(app: App[None]) -> str:
    widget = app.screen.query_one(Banner)
    return str(widget.content) if widget.display else ""


async def test_the_header_follows_the_agent_and_the_clock() -> None:
    clock = Clock()
    app = dashboard(FakeAgent(FULL), clock=clock)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "● agent 3 d" in headline(app))
        clock.now += 86_400
        await until(pilot, lambda: "● agent 4 d" in headline(app))


async def test_the_header_says_less_in_a_narrow_terminal() -> None:
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "post-quantum" in headline(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "post-quantum" not in headline(app))


async def test_the_notice_ages_and_goes() -> None:
    clock, agent = Clock(), FakeAgent(FULL)
    app = dashboard(agent, clock=clock)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "● agent" in headline(app))
        assert notice(app) == ""
        agent.say(GONE)
        await until(pilot, lambda: "0 s old" in notice(app))
        clock.now += 120
        await until(pilot, lambda: "2 min old" in notice(app))
        agent.say(FULL)
        await pilot.press("s")
        await until(pilot, lambda: notice(app) == "")
