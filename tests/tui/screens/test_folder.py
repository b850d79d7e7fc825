from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Input

from tests.tui.fakes import CALM, until
from tests.tui.screens.dialogs import opened
from tuishare.api.messages import DropChange
from tuishare.errors import Refused
from tuishare.tui.screens.folder import RemoveFolderScreen
from tuishare.tui.screens.recipients import MarkCheckbox, Recipients

FOLDER = CALM.drop_folders[0]


async def test_a_new_one_by_keys() -> None:
    async with opened("add_folder") as desk:
        await desk.press(*"/home/alice/film", "tab", "space", "ctrl+s")
        await desk.until_closed()
        assert desk.calls("set_drop") == [
            (DropChange(path="/home/alice/film", users=("@crew",), transport="tls"),)
        ]


async def test_picked_in_the_tree() -> None:
    async with opened("add_folder") as desk:
        desk.agent.disk = {"/far": ("film/", "a file")}
        desk.fill("path", "/far")
        await desk.press("ctrl+o")
        await until(desk.pilot, lambda: "film" in desk.drawn)
        assert "a file" not in desk.drawn
        await desk.press("down", "ctrl+s")
        assert desk.screen.query_one("#path", Input).value == "/far/film"


async def test_faults_and_refusals() -> None:
    async with opened("add_folder") as desk:
        await desk.press("ctrl+s")
        assert "choose a path" in desk.fault("path")
        assert "at least one" in desk.fault("recipients")
        desk.fill("path", "/film")
        desk.screen.query_one(Recipients).select("bob")
        desk.agent.order_fails_with = Refused("The folders overlap")
        await desk.press("ctrl+s")
        await desk.until_said("! The folders overlap.")
        assert desk.screen.query_one("#path", Input).value == "/film"


@pytest.mark.parametrize("transport", ["tls", "plain"])
async def test_whom_it_is_for_is_changed_and_the_rest_stays(transport: str) -> None:
    folder = msgspec.structs.replace(FOLDER, transport=transport)
    async with opened("change_folder", (folder,)) as desk:
        assert desk.screen.query_one(Recipients).selected == ["@crew"]
        assert desk.screen.query_one(MarkCheckbox).value is (transport == "plain")
        desk.screen.query_one(Recipients).select("dan")
        await desk.press("ctrl+s")
        await desk.until_closed()
        [(change,)] = desk.calls("set_drop")
        assert isinstance(change, DropChange)
        assert (change.path, set(change.users), change.transport) == (
            FOLDER.path,
            {"@crew", "dan"},
            transport,
        )


async def test_removing_asks_once_more() -> None:
    async with opened("change_folder", (FOLDER,)) as desk:
        await desk.click("remove")
        await until(desk.pilot, lambda: isinstance(desk.screen, RemoveFolderScreen))
        assert "files stay" in desk.words
        assert desk.agent.calls == []
        await desk.click("accept")
        await desk.until_closed()
        assert desk.calls("remove_drop") == [(FOLDER.path,)]
