from __future__ import annotations

import time

import msgspec
import pytest
from textual.app import App

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tests.tui.fakes import FULL, GONE, PATIENT, Clock, FakeAgent, dashboard, many_shares, snapshot, until
from tests.tui.tables import count_rows
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import Changes, ShareAction
from tuishare.errors import Refused, SystemFailed
from tuishare.tui.app import Dashboard
from tuishare.tui.snapshot_stream import Backoff
from tuishare.tui.view import Connected, Connecting, Lost
from tuishare.tui.widgets.panes import SharesPane

HASTY = Backoff(first=0.001, longest=0.01)


def rows(app: App[None]) -> int:
    return count_rows(app.screen.query_one(SharesPane).table)


def offered(app: App[None]) -> set[str]:
    return {binding.binding.description for binding in app.screen.active_bindings.values() if binding.enabled}


def notifications(app: Dashboard) -> list[str]:
    return [notification.message for notification in app._notifications]


@pytest.mark.parametrize("number", [0, 1, 500])
async def test_any_number_of_shares_arrives(number: int) -> None:
    app = dashboard(FakeAgent(snapshot(many_shares(number))))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        await until(pilot, lambda: rows(app) == number)


async def test_no_agent_at_the_beginning_starts_one_once() -> None:
    agent = FakeAgent(GONE, GONE, FULL)
    app = dashboard(agent, backoff=HASTY)
    async with app.run_test() as pilot:
        assert isinstance(app.view.connection, Connecting | Lost | Connected)
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        assert agent.starts == 1


async def test_an_agent_that_dies_later_is_not_started_unasked() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent, backoff=HASTY)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        for _ in range(5):
            agent.say(GONE)
        await until(pilot, lambda: agent.attempts >= 6)
        assert agent.starts == 0
        agent.say(FULL)
        await until(pilot, lambda: isinstance(app.view.connection, Connected))


async def test_a_lost_agent_keeps_its_last_snapshot_and_its_age() -> None:
    clock, agent = Clock(), FakeAgent(FULL, GONE)
    app = dashboard(agent, clock=clock)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Lost))
        assert app.view.snapshot == FULL
        assert rows(app) == 1
        clock.now += 50
        expected = Lost(NOW, GONE.detail, GONE.hint, retry_at=NOW + 50 + PATIENT.first, startable=True)
        agent.say(GONE)
        app._stream.wake()
        await until(pilot, lambda: app.view.connection == expected)


async def test_s_is_offered_only_while_the_agent_is_lost_and_starts_it() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        assert "Start agent" not in offered(app)
        await pilot.press("s")
        assert agent.starts == 0
        agent.say(GONE)
        await until(pilot, lambda: "Start agent" in offered(app))
        agent.say(snapshot((SHARE,)))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        assert agent.starts == 1
        assert app.view.snapshot == snapshot((SHARE,))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemFailed("No [b]room[/b]\x1b", hint="Make some"), "No [b]room[/b]\ufffd. Make some"),
        (ZeroDivisionError("passkey=s3cret"), "The agent could not be started. Try: tuishare agent"),
    ],
)
async def test_a_start_that_fails_is_a_sentence(error: Exception, words: str) -> None:
    agent = FakeAgent(FULL, GONE)
    agent.start_fails_with = error
    app = dashboard(agent)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Lost))
        await pilot.press("s")
        await until(pilot, lambda: words in notifications(app))
        await until(pilot, lambda: words.split()[1] in app.export_screenshot())  # markup shows as it is
        await until(pilot, lambda: agent.attempts == 2)  # it may run all the same


async def test_an_order_is_answered_at_once_however_long_the_agent_takes() -> None:
    agent = FakeAgent(FULL)
    agent.runner.clear()
    app = dashboard(agent)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        pressed = time.monotonic()
        await pilot.press("f", "y")
        await until(pilot, lambda: f"Forgetting “{SHARE.name}” …" in notifications(app))
        assert time.monotonic() - pressed < 2  # on a machine with nothing else to do: 0.1
        await pilot.press("2")  # and the dashboard goes on
        await until(pilot, lambda: app.screen.query_one("#downloads-pane").region.area)
        agent.runner.set()
        await until(pilot, lambda: agent.orders == [(SHARE.id, ShareAction.FORGET)])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("It is [b]busy[/b]\x1b", hint="Later"), "It is [b]busy[/b]\ufffd. Later"),
        (ZeroDivisionError("passkey=s3cret"), "The request to the agent failed. Try again."),
    ],
)
async def test_an_order_that_is_refused_is_a_sentence_with_its_hint(error: Exception, words: str) -> None:
    agent = FakeAgent(FULL)
    agent.order_fails_with = error
    app = dashboard(agent)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        await pilot.press("space")
        await until(pilot, lambda: words in notifications(app))
        await until(pilot, lambda: words.split()[1] in app.export_screenshot())
        assert app.is_running


async def test_an_agent_of_another_version_is_left_alone() -> None:
    agent = FakeAgent(ProtocolMismatch("The agent speaks protocol 2", hint="Restart it"))
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: agent.attempts == 2)  # the one attempt that comes by itself
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.view.connection, Lost))
        assert agent.starts == 0
        assert "protocol 2" in str(app.view.connection)


async def test_a_burst_is_drawn_as_its_last_state() -> None:
    agent = FakeAgent(FULL)
    app = dashboard(agent)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        seen: list[object] = []
        app.watch(app, "view", lambda: seen.append(app.view), init=False)
        for peers in range(300):
            agent.say(Changes(shares=(msgspec.structs.replace(SHARE, peers=peers),)))
        await until(pilot, lambda: app.view.snapshot and app.view.snapshot.shares[0].peers == 299)
        assert len(seen) < 30


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((FULL,), "The agent keeps running"),
        ((FULL, GONE), "No agent answers on /run/tuishare.sock. Start it"),
    ],
)
async def test_quitting_says_what_becomes_of_the_agent(
    events: tuple[Exception, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = dashboard(FakeAgent(*events))
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Lost if len(events) == 2 else Connected))
        await pilot.press("q")
    assert words in capsys.readouterr().err


async def test_whoever_runs_the_agent_himself_says_what_becomes_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = dashboard(FakeAgent(FULL), farewell=lambda _view: "It ends with us.")
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        await pilot.press("q")
    said = capsys.readouterr().err
    assert "It ends with us." in said
    assert "keeps running" not in said


async def test_hostile_names_everywhere_are_survived_at_any_size() -> None:
    name = "\x1b]0;x\x07[red]\u202e[/]\n" + "写" * 300
    bad_share = msgspec.structs.replace(
        SHARE, name=name, recipients=(name,), detail=name, hint=name, path=name
    )
    bad_download = msgspec.structs.replace(DOWNLOAD, name=name, sender=name, detail=name, path=name)
    app = dashboard(FakeAgent(snapshot((bad_share,), (bad_download,))))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: rows(app) == 1)
        for size in ((80, 24), (40, 10), (20, 5), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.press("1", "2")
        picture = app.export_screenshot()
    assert "\x1b" not in picture
    assert "\u202e" not in picture
    assert "[red]" in picture


async def test_where_no_colour_is_wanted_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(FakeAgent(FULL))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        styles = [part.style for strip in app.screen._compositor.render_strips() for part in strip]
        colours = {style.color.get_truecolor() for style in styles if style and style.color}
        assert len(colours) > 1
        assert all(colour.red == colour.green == colour.blue for colour in colours)
