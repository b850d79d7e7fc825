from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.fakes import FakeAgent, dashboard, until
from tests.tui.people import known
from tuishare.tui.screens.path_picker import PathPicker, PathSuggester, find_path_fault


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "film").mkdir()
    (tmp_path / "final.txt").touch()
    (tmp_path / ".secret").touch()
    (tmp_path / "evil\x1b[31m\u202e").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "folders_only", "completed"),
    [
        ("fi", False, "film/"),
        ("fin", False, "final.txt"),
        ("fin", True, None),
        ("ev", False, None),
        (".s", False, ".secret"),
        ("", True, "film/"),
        ("nothing", False, None),
    ],
)
async def test_completion(tree: Path, typed: str, folders_only: bool, completed: str | None) -> None:
    found = await PathSuggester(folders_only=folders_only).get_suggestion(f"{tree}/{typed}")
    assert found == (completed and f"{tree}/{completed}")


@pytest.mark.parametrize("typed", ["film", "/no/such/folder/x", "/\0/x", "/\udcff/x"])
async def test_nothing_to_complete(typed: str) -> None:
    assert await PathSuggester().get_suggestion(typed) is None


def test_faults() -> None:
    assert find_path_fault("~/film") == find_path_fault("/film") == ""
    assert all(map(find_path_fault, ("", "  ", "film", "../film", "/a\nb", "/a\u202eb", "/\udcff")))


async def test_the_tree_by_keys_and_hostile_names(tree: Path) -> None:
    app = dashboard(FakeAgent(known()))
    chosen: list[str | None] = []
    async with app.run_test() as pilot:
        app.push_screen(PathPicker(tree / "film"), chosen.append)
        await pilot.pause()
        await pilot.press("left")  # one up
        strips = app.screen._compositor.render_strips

        def drawn() -> str:
            return "\n".join("".join(segment.text for segment in strip) for strip in strips())

        await until(pilot, lambda: "final.txt" in drawn())
        assert "evil\ufffd[31m\ufffd" in drawn()
        assert not {"\x1b", "\u202e"} & set(drawn())
        await pilot.press("down", "ctrl+s")
        assert chosen == [str(tree / "film")]
        app.push_screen(PathPicker(tree / "gone" / "deeper"), chosen.append)
        await pilot.pause()
        await pilot.press("escape")
        assert chosen[1:] == [None]
