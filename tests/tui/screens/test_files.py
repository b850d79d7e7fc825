from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.api.samples import DOWNLOAD
from tests.tui.fakes import FakeAgent, dashboard, snapshot, until
from tests.tui.screens.dialogs import Desk
from tuishare.api.messages import Details, DownloadState, File, FileChoice
from tuishare.tui.screens.download import FilesScreen
from tuishare.tui.view import Connected

FILES = (
    File(path="a.mkv", size=2_000_000, progress=0.5),
    File(path="b/[b]c\x1b.mkv", size=7, progress=0.0, wanted=False),
    File(path="d.txt", size=7, progress=0.0),
)
FILMS = msgspec.structs.replace(DOWNLOAD, state=DownloadState.DOWNLOADING, files=3)


@asynccontextmanager
async def pressed(
    download: object = FILMS,
    details: Details = Details(files=FILES),  # noqa: B008 (it is frozen)
) -> AsyncIterator[Desk]:
    """A dialog that was opened with the key, on this download."""
    agent = FakeAgent(msgspec.structs.replace(snapshot(()), downloads=(download,)))
    agent.details = details
    app = dashboard(agent)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.view.connection, Connected))
        desk = Desk(agent, app, pilot)
        await desk.press("2")
        await desk.press("t")
        yield desk


async def test_what_is_not_ticked_is_left_out() -> None:
    async with pressed() as desk:
        await until(desk.pilot, lambda: isinstance(desk.screen, FilesScreen))
        assert "b/[b]c�.mkv  7 B" in desk.drawn
        await desk.press("space", "down", "space", "ctrl+s")
        await desk.until_closed()
        assert desk.calls("choose_files") == [(DOWNLOAD.id, FileChoice(unwanted=(0,)))]


async def test_something_has_to_be_left() -> None:
    async with pressed() as desk:
        await until(desk.pilot, lambda: isinstance(desk.screen, FilesScreen))
        await desk.press("space", "down", "down", "space", "ctrl+s")
        assert "at least one" in desk.fault("files")
        assert desk.calls("choose_files") == []


async def test_too_many_files_are_a_sentence() -> None:
    async with pressed(details=Details(files=FILES, more_files=1)) as desk:
        await until(desk.pilot, lambda: len(desk.app._notifications) == 1)
        (said,) = desk.app._notifications
        assert "too many files" in said.message
        assert desk.closed


@pytest.mark.parametrize("changes", [{"files": 1}, {"state": DownloadState.COMPLETE}])
async def test_it_is_offered_only_where_there_is_a_choice(changes: dict[str, object]) -> None:
    async with pressed(msgspec.structs.replace(FILMS, **changes)) as desk:
        await desk.pilot.pause()
        assert desk.closed
        assert desk.calls("download_details") == []
