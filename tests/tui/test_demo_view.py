from __future__ import annotations

from tests.api.samples import DOWNLOAD, SHARE
from tests.tui.fakes import GONE, Clock, FakeAgent, snapshot, until
from tuishare.tui.demo_view import DemoSide, DemoView
from tuishare.tui.tab_models import DOWNLOADS, SHARES


def drawn(app: DemoView) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def test_both_sides_and_the_story() -> None:
    alice, bob = FakeAgent(snapshot((SHARE,))), FakeAgent(snapshot((), (DOWNLOAD,)))
    view = DemoView(
        DemoSide("Alice shares", "Alice drops.", alice, SHARES),
        DemoSide("Bob receives", "Bob waits.", bob, DOWNLOADS),
        Clock(),
    )
    view.tell("Before it is drawn")
    async with view.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: SHARE.name in drawn(view) and DOWNLOAD.name in drawn(view))
        for words in ("Alice shares", "Bob receives", "Alice drops.", "▲ 11.9 MB/s", "Before it is drawn"):
            assert words in drawn(view)
        view.tell("Now [red]\x1b this")
        await until(pilot, lambda: "Now [red]\ufffd this" in drawn(view))
        bob.say(GONE)
        await until(pilot, lambda: "! No agent answers" in drawn(view))
        await pilot.press("q")
    assert not view.is_running
