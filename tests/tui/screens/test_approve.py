from __future__ import annotations

import msgspec
import pytest

from tests.tui.people import BOB, WAITING, known
from tests.tui.screens.dialogs import opened
from tuishare.api.messages import Details, DownloadAction, File, UserChange
from tuishare.errors import NotFound
from tuishare.tui.dashboard_base import DialogKind, OpenDialog


async def test_it_shows_who_what_and_how_to_know() -> None:
    async with opened("approve", (WAITING,)) as desk:
        for words in (
            WAITING.name,
            "1 file · 1.2 MB",
            "look at this",
            "From bob, not verified",
            "able bold calm",
        ):
            assert words in desk.words
        await desk.until_said("The files are not known yet")


async def test_it_lists_the_files() -> None:
    files = tuple(File(path=f"a/{n}\x1b.mov", size=1000, progress=0.0) for n in range(300))
    async with opened("card") as desk:
        await desk.press("escape")
        desk.agent.details = Details(files=files, more_files=7)
        desk.app.post_message(OpenDialog(DialogKind.APPROVE, (WAITING,)))
        await desk.until_said("a/0\ufffd.mov")
        await desk.until_said("and 107 more files")
        assert "\x1b" not in desk.words


@pytest.mark.parametrize("way", ["keys", "mouse"])
async def test_once(way: str) -> None:
    async with opened("approve", (WAITING,)) as desk:
        await (desk.press("ctrl+s") if way == "keys" else desk.click("accept"))
        await desk.until_closed()
        assert desk.agent.orders == [(WAITING.id, DownloadAction.APPROVE)]
        assert desk.calls("change_user") == []


async def test_always_is_verifying_the_sender() -> None:
    async with opened("approve", (WAITING,)) as desk:
        await desk.click("always")
        await desk.until_closed()
        assert desk.calls("change_user") == [(UserChange(name="bob", verified=True),)]
        assert desk.agent.orders == [(WAITING.id, DownloadAction.APPROVE)]


async def test_reject() -> None:
    async with opened("approve", (WAITING,)) as desk:
        await desk.press("tab", "enter")
        await desk.until_closed()
        assert desk.agent.orders == [(WAITING.id, DownloadAction.REJECT)]


@pytest.mark.parametrize("users", [(msgspec.structs.replace(BOB, verified=True),), ()])
async def test_always_is_not_offered_where_it_means_nothing(users: tuple[()]) -> None:
    stranger = msgspec.structs.replace(WAITING, sender="bob" if users else "")
    async with opened("approve", (stranger,), snapshot=known(*users)) as desk:
        assert not desk.screen.query("#always")
        assert ("verified" if users else "an unknown sender") in desk.words


async def test_files_that_cannot_be_listed_do_not_hinder() -> None:
    async with opened("card") as desk:
        await desk.press("escape")
        desk.agent.order_fails_with = NotFound("There is no such download")
        desk.app.post_message(OpenDialog(DialogKind.APPROVE, (WAITING,)))
        await desk.until_said("The files cannot be listed: There is no such download")
