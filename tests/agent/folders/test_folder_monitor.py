# ruff: noqa: ASYNC240 — the files of a test are small and near
"""One folder, followed with real events and real scans."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tuishare.agent.folders import folder_monitor as following_module
from tuishare.agent.folders import stability
from tuishare.agent.folders.folder_monitor import FolderHandler, FolderMonitor, Observation
from tuishare.agent.folders.stability import FileEventKind
from tuishare.agent.folders.watcher import FileEvent, Notify, Watcher
from tuishare.api.messages import FolderState, PollReason
from tuishare.config.model import SettleSettings
from tuishare.errors import NotFound, TooManyOpen, TuishareError, VerificationFailed

QUICK = SettleSettings(after_close=0.05, quiet=0.1, rescan=60.0)


@dataclass
class Collector(FolderHandler[str]):
    """Takes settled files by their text; one that holds ``bad`` cannot be looked at."""

    settled_texts: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    moves: int = 0
    obstacle: str = ""
    written: bool = False
    opened: list[str] = field(default_factory=list)
    companions: dict[str, str] = field(default_factory=dict)

    def wants(self, entry: str) -> bool:
        return not entry.startswith(".") and entry not in self.companions

    def companion_of(self, entry: str) -> str:
        return self.companions.get(entry, "")

    def is_being_written(self, path: Path, look: Observation[str], /) -> bool:
        return self.written

    async def taken_open(self, path: Path) -> None:
        self.opened.append(path.name)

    def look(self, path: Path) -> Observation[str]:
        self.looks.append(path.name)
        try:
            text = path.read_text()
        except FileNotFoundError:
            raise NotFound("gone") from None
        if "bad" in text:
            raise VerificationFailed(text)
        return Observation(text, len(text), text, obstacle=self.obstacle)

    def known(self, path: Path, fingerprint: str) -> bool:
        return self.taken.get(path.name) == fingerprint

    async def settled(self, path: Path, look: Observation[str], /) -> None:
        self.taken[path.name] = look.payload
        self.settled_texts.append((path.name, look.payload))

    async def refused(self, path: Path, error: TuishareError) -> None:
        self.faults.append((path.name, error.detail))

    def forget(self, entry: str) -> None:
        self.forgotten.append(entry)

    def moved(self) -> None:
        self.moves += 1


class Blind(Watcher):
    """Stands for a network mount, or for used-up inotify limits."""

    def watch(self, folder: Path, notify: Notify, *, recursive: bool = True) -> PollReason:
        return PollReason.NO_EVENTS


@asynccontextmanager
async def followed(
    folder: Path, handler: Collector, settle: SettleSettings = QUICK, kind: Callable[..., Watcher] = Watcher
) -> AsyncIterator[FolderMonitor[str]]:
    following = FolderMonitor(folder, settle, handler)
    watcher = kind()
    task = asyncio.create_task(following.run(watcher))
    try:
        await wait_until(lambda: handler.moves > 0 or task.done() or not folder.exists())
        yield following
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await watcher.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "f"
    made.mkdir()
    return made


@pytest.fixture
def handler() -> Collector:
    return Collector()


async def test_a_scan_decides_beside_the_event_loop_what_is_wanted(folder: Path, handler: Collector) -> None:
    (folder / "a").write_text("one")
    asked_on = list[threading.Thread]()

    def wants(_: str) -> bool:
        asked_on.append(threading.current_thread())
        return False

    handler.wants = wants  # type: ignore[assignment, method-assign]
    async with followed(folder, handler):
        await wait_until(lambda: bool(asked_on))
    assert threading.current_thread() not in asked_on


async def test_what_is_there_and_what_comes_settles_once(folder: Path, handler: Collector) -> None:
    (folder / "before").write_text("1")
    async with followed(folder, handler) as following:
        assert following.state is FolderState.WATCHING
        (folder / "after").write_text("2")
        await wait_until(lambda: len(handler.settled_texts) == 2)
        assert sorted(handler.settled_texts) == [("after", "2"), ("before", "1")]
        assert following.unsettled == ()


async def test_a_changed_entry_settles_again(folder: Path, handler: Collector) -> None:
    async with followed(folder, handler):
        (folder / "a").write_text("1")
        await wait_until(lambda: ("a", "1") in handler.settled_texts)
        (folder / "a").write_text("2")
        await wait_until(lambda: ("a", "2") in handler.settled_texts)


async def test_an_event_that_changed_nothing_hands_nothing_on(folder: Path, handler: Collector) -> None:
    async with followed(folder, handler) as following:
        (folder / "a").write_text("1")
        await wait_until(lambda: len(handler.settled_texts) == 1)
        looked = len(handler.looks)
        following.on_file_event(FileEvent(folder, "a", FileEventKind.FINISHED))
        await wait_until(lambda: len(handler.looks) > looked and following.unsettled == ())
        assert handler.settled_texts == [("a", "1")]


async def test_an_entry_that_is_not_wanted_is_not_looked_at(folder: Path, handler: Collector) -> None:
    (folder / ".hidden").write_text("1")
    async with followed(folder, handler):
        (folder / ".other").write_text("1")
        (folder / "a").write_text("1")
        await wait_until(lambda: len(handler.settled_texts) == 1)
        assert set(handler.looks) == {"a"}


async def test_what_is_not_complete_waits_with_its_reason(folder: Path, handler: Collector) -> None:
    handler.companions = {"a.aria2": "a"}
    async with followed(folder, handler) as following:
        handler.obstacle = "It is not complete"
        (folder / "a").write_text("1")
        await wait_until(lambda: [one.reason for one in following.unsettled] == ["It is not complete"])
        handler.obstacle, handler.written = "", True
        following.on_file_event(FileEvent(folder, "a.aria2", FileEventKind.CHANGED))  # it is gone
        await wait_until(lambda: ["open for writing" in one.reason for one in following.unsettled] == [True])
        assert handler.settled_texts == []
        handler.written = False
        following.on_file_event(FileEvent(folder, "a", FileEventKind.FINISHED))
        await wait_until(lambda: handler.settled_texts == [("a", "1")])
        assert handler.opened == []


async def test_what_stays_open_for_too_long_is_taken_with_a_report(
    folder: Path, handler: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "_OVERDUE", 3)
    handler.written = True
    async with followed(folder, handler):
        (folder / "a").write_text("1")
        await wait_until(lambda: handler.settled_texts == [("a", "1")])
        assert handler.opened == ["a"]


async def test_without_events_the_scan_finds_everything(folder: Path, handler: Collector) -> None:
    async with followed(folder, handler, kind=Blind) as following:
        assert following.state is FolderState.POLLING
        (folder / "a").write_text("1")
        await wait_until(lambda: handler.settled_texts == [("a", "1")])
        (folder / "a").unlink()
        await wait_until(lambda: "a" in handler.forgotten)


async def test_a_missing_folder_is_a_state_and_comes_back(folder: Path, handler: Collector) -> None:
    folder.rmdir()
    async with followed(folder, handler) as following:
        await wait_until(lambda: following._next_scan > 0)
        assert following.state is FolderState.MISSING
        folder.mkdir()
        (folder / "a").write_text("1")
        await wait_until(lambda: handler.settled_texts == [("a", "1")])
        assert following.state.value == "watching"


@pytest.mark.parametrize("away", ["removed", "remade", "renamed"])
async def test_a_folder_that_was_exchanged_is_watched_again(
    folder: Path, handler: Collector, away: str
) -> None:
    settle = SettleSettings(after_close=0.05, quiet=0.1, rescan=0.2 if away == "renamed" else 60.0)
    async with followed(folder, handler, settle) as following:
        (folder / "a").write_text("1")
        await wait_until(lambda: len(handler.settled_texts) == 1)
        if away == "removed":
            (folder / "a").unlink()
            # Before the folder goes: what goes together with its folder stays known.
            await wait_until(lambda: handler.forgotten == ["a"])
            folder.rmdir()
            await wait_until(lambda: following.state is FolderState.MISSING)
        elif away == "remade":
            (folder / "a").unlink()
            folder.rmdir()
        else:
            folder.rename(folder.with_name("elsewhere"))
        folder.mkdir()
        await wait_until(lambda: following.state is FolderState.WATCHING)
        (folder / "b").write_text("2")
        await wait_until(lambda: ("b", "2") in handler.settled_texts)


async def test_nothing_is_forgotten_because_the_folder_is_missing(folder: Path, handler: Collector) -> None:
    (folder / "a").write_text("1")
    async with followed(
        folder, handler, SettleSettings(after_close=0.05, quiet=0.1, rescan=0.1)
    ) as following:
        await wait_until(lambda: len(handler.settled_texts) == 1)
        folder.rename(folder.with_name("unmounted"))
        await wait_until(lambda: following.state is FolderState.MISSING)
        assert handler.forgotten == []
        folder.with_name("unmounted").rename(folder)
        await wait_until(lambda: following.state.value == "watching")
        assert handler.settled_texts == [("a", "1")]


async def test_a_fault_is_told_once_until_it_is_another_one(
    folder: Path, handler: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "a").write_text("bad")
    with caplog.at_level(logging.WARNING):
        async with followed(folder, handler, SettleSettings(after_close=0.05, quiet=0.1, rescan=0.05)):
            await wait_until(lambda: handler.faults == [("a", "bad")])
            looked = len(handler.looks)
            await wait_until(lambda: len(handler.looks) > looked + 5)
            assert handler.faults == [("a", "bad")]
            (folder / "a").write_text("as bad")
            await wait_until(lambda: handler.faults == [("a", "bad"), ("a", "as bad")])
            (folder / "a").write_text("good")
            await wait_until(lambda: handler.settled_texts == [("a", "good")])
            assert handler.forgotten == ["a"]
    assert len(caplog.records) == 2


async def test_what_has_gone_is_forgotten(folder: Path, handler: Collector) -> None:
    (folder / "a").write_text("bad")
    async with followed(folder, handler) as following:
        await wait_until(lambda: len(handler.faults) == 1)
        (folder / "a").unlink()
        await wait_until(lambda: handler.forgotten == ["a"])
        assert following.unsettled == ()


async def test_what_grows_is_waited_for_and_shown(folder: Path, handler: Collector) -> None:
    async with followed(folder, handler) as following:
        with (folder / "a").open("w") as file:
            for _ in range(4):
                looked = len(handler.looks)
                file.write("x")
                file.flush()
                await wait_until(lambda looked=looked: len(handler.looks) > looked)  # type: ignore[misc]
                assert [waiting.name for waiting in following.unsettled] == ["a"]
                assert handler.settled_texts == []
        await wait_until(lambda: handler.settled_texts == [("a", "xxxx")])


async def test_a_scan_that_is_asked_for_while_one_runs_is_not_lost(folder: Path, handler: Collector) -> None:
    """What is wanted may change while the scan is under way, as when the list of patterns is saved twice."""
    (folder / "a").write_text("1")
    async with followed(folder, handler) as following:
        await wait_until(lambda: len(handler.settled_texts) == 1)
        loop = asyncio.get_running_loop()
        asked: list[object] = []

        def look(path: Path) -> Observation[str]:
            if not asked:
                asked.append(loop.call_soon_threadsafe(following.scan_soon))
            return Collector.look(handler, path)

        handler.look = look  # type: ignore[method-assign]
        looked = len(handler.looks)
        following.scan_soon()
        await wait_until(lambda: len(handler.looks) == looked + 2)


async def test_without_descriptors_an_entry_waits_and_has_no_fault(
    folder: Path, handler: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "EXHAUSTED_SECONDS", 0.05)
    look, settled, tries, taken = handler.look, handler.settled, [], []

    def exhausted(path: Path) -> Observation[str]:
        tries.append(path.name)
        if len(tries) < 4:
            raise TooManyOpen("Cannot look at it: too many open files")
        return look(path)

    async def take(path: Path, look: Observation[str], /) -> None:
        taken.append(path.name)
        if len(taken) < 3:
            raise TooManyOpen("Cannot read it: too many open files")
        await settled(path, look)

    monkeypatch.setattr(handler, "look", exhausted)
    monkeypatch.setattr(handler, "settled", take)
    (folder / "a").write_text("1")
    async with followed(folder, handler):
        await wait_until(lambda: handler.settled_texts == [("a", "1")])
    assert (handler.faults, taken) == ([], ["a"] * 3)


async def test_a_folder_that_cannot_be_listed_for_want_of_descriptors_is_not_missing(
    folder: Path, handler: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "EXHAUSTED_SECONDS", 0.05)
    (folder / "a").write_text("1")
    async with followed(folder, handler) as following:
        await wait_until(lambda: len(handler.settled_texts) == 1)
        with monkeypatch.context() as patched:
            tries: list[None] = []

            def exhausted() -> list[str]:
                tries.append(None)
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

            patched.setattr(following, "_list", exhausted)
            following.scan_soon()
            await wait_until(lambda: len(tries) > 2)
            assert following.state is FolderState.WATCHING
            assert handler.forgotten == []
        (folder / "b").write_text("2")
        await wait_until(lambda: ("b", "2") in handler.settled_texts)
