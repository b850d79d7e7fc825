from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input, Select, Static

from tests.api.samples import NOW
from tests.tui.fakes import until
from tests.tui.people import PEOPLE, known
from tests.tui.screens.dialogs import Desk, opened
from tuishare.api.messages import NewShare, PathNamed, PathSize, People, Snapshot
from tuishare.errors import Refused
from tuishare.tui.screens.path_picker import PathPicker
from tuishare.tui.screens.recipients import MarkCheckbox, Recipients

FILM = "/far/film"
DISK = {"/far": ("film/",), FILM: ("0.mov", "1.mov", "2.mov")}
SIZES = {FILM: PathSize(files=3, size=3000)}


@asynccontextmanager
async def new_share(snapshot: Snapshot | None = None) -> AsyncIterator[Desk]:
    async with opened("new_share", snapshot=snapshot) as desk:
        desk.agent.disk, desk.agent.sizes = DISK, SIZES
        yield desk


def tick(desk: Desk, *names: str) -> None:
    for name in names:
        desk.screen.query_one(Recipients).select(name)


async def test_by_keys_alone() -> None:
    async with new_share() as desk:
        await desk.press(*FILM[:-2])
        await until(desk.pilot, lambda: desk.screen.query_one("#path", Input)._suggestion == f"{FILM}/")
        await desk.press("right", "tab", "down", "down", "space", "tab", "tab", *"hello", "enter")
        await desk.until_closed()
        assert desk.calls("share") == [(NewShare(path=f"{FILM}/", recipients=("bob",), note="hello"),)]


async def test_it_says_how_much_it_is_before_it_starts() -> None:
    async with new_share() as desk:
        desk.fill("path", FILM)
        await desk.until_said("3 files · 3.0 kB")
        desk.fill("path", "/far/nothing")
        await desk.until_said("There is no such file or folder")
        assert desk.calls("share") == []


@pytest.mark.parametrize(
    ("extent", "words"),
    [
        (PathSize(files=1, size=5), "1 file · 5 B"),
        (PathSize(files=100_000, size=10**9, whole=False), "more than 100,000 files · more than 1.0 GB"),
    ],
)
async def test_how_much_it_is_may_be_unknown(extent: PathSize, words: str) -> None:
    async with new_share() as desk:
        desk.agent.sizes = {"~/film": extent}
        desk.fill("path", " ~/film ")
        await desk.until_said(words)


async def test_only_what_is_typed_in_the_end_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with new_share() as desk:
        for end in range(2, len(FILM) + 1):
            desk.fill("path", FILM[:end])
        await desk.until_said("3 files · 3.0 kB")
        assert desk.calls("measure_path") == [(FILM,)]
        desk.fill("path", "film")
        await until(desk.pilot, lambda: "3 files" not in desk.words)
        measure, is_over = desk.agent.measure_path, asyncio.Event()

        async def measure_and_tell(named: PathNamed) -> PathSize:
            try:
                return await measure(named)
            finally:
                is_over.set()

        monkeypatch.setattr(desk.agent, "measure_path", measure_and_tell)
        desk.agent.runner.clear()
        before = len(desk.calls("measure_path"))
        desk.fill("path", FILM)
        await until(desk.pilot, lambda: len(desk.calls("measure_path")) > before)
        assert "counting" in desk.words
        desk.fill("path", "")
        await until(desk.pilot, lambda: "counting" not in desk.words)
        desk.agent.runner.set()
        await until(desk.pilot, is_over.is_set)
        assert "3 files" not in desk.words


@pytest.mark.parametrize(("span", "until_when"), [("", 0), ("1d", NOW + 86_400), ("30d", NOW + 30 * 86_400)])
async def test_expiry_and_transport(span: str, until_when: int) -> None:
    async with new_share() as desk:
        desk.fill("path", FILM)
        tick(desk, "@crew")
        desk.screen.query_one("#expires", Select).value = span
        desk.screen.query_one("#plain", MarkCheckbox).value = True
        await desk.press("ctrl+s")
        await desk.until_closed()
        [(new,)] = desk.calls("share")
        assert isinstance(new, NewShare)
        assert (new.not_after, new.transport, new.recipients) == (until_when, "plain", ("@crew",))


async def test_a_date_of_ones_own() -> None:
    async with new_share() as desk:
        desk.fill("path", FILM)
        tick(desk, "bob")
        desk.screen.query_one("#expires", Select).value = "own"
        await desk.pilot.pause()
        for text, sentence in (("", "neither a date nor a duration"), ("2020-01-01", "is in the past")):
            desk.fill("until", text)
            await desk.press("ctrl+s")
            assert sentence in desk.fault("until")
        assert desk.calls("share") == []
        desk.fill("until", "12h")
        await desk.press("ctrl+s")
        await desk.until_closed()
        [(new,)] = desk.calls("share")
        assert isinstance(new, NewShare)
        assert new.not_after == NOW + 12 * 3600


async def test_faults_stand_beside_their_fields() -> None:
    async with new_share() as desk:
        desk.fill("note", "x" * 501)
        await desk.press("ctrl+s")
        assert "choose a path" in desk.fault("path")
        assert "at least one" in desk.fault("recipients")
        assert "this has 501" in desk.fault("note")
        assert desk.fault("until") == ""
        assert desk.screen.focused is desk.screen.query_one("#path")
        for path, sentence in (
            ("film", "Begin with"),
            ("/x\x1b", "cannot be shown"),
            ("/x\u202e", "cannot be shown"),
        ):
            desk.fill("path", path)
            await desk.press("ctrl+s")
            assert sentence in desk.fault("path")
        assert desk.calls("share") == []


async def test_nothing_typed_is_lost_when_the_agent_refuses() -> None:
    async with new_share() as desk:
        desk.agent.order_fails_with = Refused("It lies in a drop folder", hint="Move it.")
        desk.fill("path", FILM)
        desk.fill("note", "hello")
        tick(desk, "bob")
        await desk.press("ctrl+s")
        await desk.until_said("! It lies in a drop folder. Move it.")
        assert desk.screen.query_one("#path", Input).value == FILM
        assert desk.screen.query_one("#note", Input).value == "hello"
        assert desk.screen.query_one(Recipients).selected == ["bob"]


async def test_picked_in_the_tree_by_mouse() -> None:
    async with new_share() as desk:
        desk.fill("path", "/far")
        await desk.click("browse")
        assert isinstance(desk.screen, PathPicker)
        await until(desk.pilot, lambda: "film" in desk.drawn)
        assert await desk.pilot.click("#tree", offset=(8, 1))
        await until(
            desk.pilot, lambda: str(desk.screen.query_one("#choice", Static).content).endswith("film")
        )
        await desk.click("accept")
        await until(desk.pilot, lambda: "3 files" in desk.words)
        assert desk.screen.query_one("#path", Input).value == FILM


async def test_with_nobody_known_it_says_what_comes_first() -> None:
    alone = Snapshot(status=known().status, shares=(), downloads=(), people=People(card=PEOPLE.card))
    async with new_share(alone) as desk:
        assert "Add a user first: press 3, then n." in desk.drawn
        await desk.press("ctrl+s")
        assert "Add a user first" in desk.fault("recipients")
