"""Choosing a path on another machine: everything that is shown comes from the agent."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from tests.tui.fakes import FakeAgent, dashboard, until
from tests.tui.people import known
from tuishare.errors import Refused
from tuishare.tui.screens.path_picker import PathPicker, PathSuggester, find_path_fault

FAR = "/far/away"
DISK = {
    "/": ("far/",),
    "/far": ("away/",),
    FAR: ("film/", ".secret", "evil\x1b[31m\u202e", "final.txt"),
    f"{FAR}/film": (),
    "~": ("more/",),
    "/far/more": ("a [red]name[/]",),
}


@pytest.fixture
def agent() -> FakeAgent:
    agent = FakeAgent(known())
    agent.disk = DISK
    return agent


@pytest.mark.parametrize(
    ("typed", "folders_only", "completed"),
    [
        (f"{FAR}/fi", False, f"{FAR}/film/"),
        (f"{FAR}/fin", False, f"{FAR}/final.txt"),
        (f"{FAR}/fin", True, None),
        (f"{FAR}/ev", False, None),
        (f"{FAR}/.s", False, f"{FAR}/.secret"),
        (f"{FAR}/", True, f"{FAR}/film/"),
        (f"{FAR}/nothing", False, None),
        ("/f", False, "/far/"),
        ("~/m", False, "~/more/"),
    ],
)
async def test_completion(agent: FakeAgent, typed: str, folders_only: bool, completed: str | None) -> None:
    assert await PathSuggester(agent, folders_only=folders_only).get_suggestion(typed) == completed


@pytest.mark.parametrize("typed", ["film", "/no/such/folder/x", "/\0/x", "/\udcff/x", "./x"])
async def test_nothing_to_complete(agent: FakeAgent, typed: str) -> None:
    assert await PathSuggester(agent).get_suggestion(typed) is None


def test_faults() -> None:
    assert find_path_fault("~/film") == find_path_fault("/film") == ""
    assert all(map(find_path_fault, ("", "  ", "film", "../film", "/a\nb", "/a\u202eb", "/\udcff")))


async def test_the_tree_by_keys_and_hostile_names(agent: FakeAgent) -> None:
    app = dashboard(agent)
    chosen: list[str | None] = []
    async with app.run_test() as pilot:
        app.push_screen(PathPicker(f"{FAR}/film"), chosen.append)
        await pilot.pause()

        def drawn() -> str:
            strips = app.screen._compositor.render_strips()
            return "\n".join("".join(segment.text for segment in strip) for strip in strips)

        await until(pilot, lambda: f"{FAR}/film" in drawn())
        await pilot.press("left")  # one up
        await until(pilot, lambda: "final.txt" in drawn())
        assert "evil\ufffd[31m\ufffd" in drawn()
        assert not {"\x1b", "\u202e"} & set(drawn())
        await pilot.press("down", "ctrl+s")
        assert chosen == [f"{FAR}/film"]
        app.push_screen(PathPicker(f"{FAR}/gone/deeper"), chosen.append)
        await until(pilot, lambda: "final.txt" in drawn())
        await until(pilot, lambda: str(app.screen.query_one("#choice", Static).content) == FAR)
        await pilot.press("escape")
        assert chosen[1:] == [None]


async def test_a_folder_opens_and_a_file_is_chosen_with_enter(agent: FakeAgent) -> None:
    app = dashboard(agent)
    chosen: list[str | None] = []
    async with app.run_test() as pilot:
        app.push_screen(PathPicker("~"), chosen.append)

        def drawn() -> str:
            strips = app.screen._compositor.render_strips()
            return "\n".join("".join(segment.text for segment in strip) for strip in strips)

        await until(pilot, lambda: "more/" in drawn())
        await pilot.press("down", "enter")
        await until(pilot, lambda: "a [red]name[/]" in drawn())
        assert "not everything is listed" in drawn()
        await pilot.press("shift+space", "down", "enter")
        await until(pilot, lambda: chosen)
        assert chosen == ["/far/more/a [red]name[/]"]


async def test_what_the_agent_cannot_list_is_said(agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    app = dashboard(agent)
    async with app.run_test() as pilot:
        app.push_screen(PathPicker(FAR))
        await until(pilot, lambda: app.screen.query("#choice"))
        choice = app.screen.query_one("#choice", Static)
        await until(pilot, lambda: str(choice.content) == FAR)

        async def refuse(_query: object) -> None:
            raise Refused("Cannot list this folder: permission denied", hint="Check who owns it.")

        monkeypatch.setattr(agent, "list_folder", refuse)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "permission denied. Check who owns it." in str(choice.content))
