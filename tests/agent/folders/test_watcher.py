# ruff: noqa: ASYNC240 — the files of a test are small and near
"""Real inotify events become hints about top-level entries."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyEvent, InotifyFD

from tests.waiting import wait_until
from tuishare.agent.folders.stability import FileEventKind
from tuishare.agent.folders.watcher import FileEvent, Watcher
from tuishare.core.folder_state import PollReason
from tuishare.fs.atomic import publish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.fixture
async def hints() -> AsyncIterator[tuple[Watcher, list[FileEvent]]]:
    watcher = Watcher()
    yield watcher, []
    await watcher.close()


async def test_a_written_file_ends_with_finished(
    folder: Path, hints: tuple[Watcher, list[FileEvent]]
) -> None:
    watcher, seen = hints
    assert watcher.watch(folder, seen.append) is None
    (folder / "a").write_bytes(b"x")
    await wait_until(lambda: FileEvent(folder, "a", FileEventKind.FINISHED) in seen)


@pytest.mark.parametrize("kind", ["file", "folder"])
async def test_a_move_into_the_folder_is_finished_at_once(
    folder: Path, hints: tuple[Watcher, list[FileEvent]], kind: str
) -> None:
    watcher, seen = hints
    outside = folder.parent / "outside"
    if kind == "folder":
        outside.mkdir()
        (outside / "f").write_bytes(b"x")
    else:
        outside.write_bytes(b"x")
    watcher.watch(folder, seen.append)
    outside.rename(folder / "inside")
    await wait_until(lambda: FileEvent(folder, "inside", FileEventKind.FINISHED) in seen)
    (folder / "last").write_bytes(b"x")
    await wait_until(lambda: FileEvent(folder, "last", FileEventKind.FINISHED) in seen)
    assert {hint.kind for hint in seen if hint.entry == "inside"} == {FileEventKind.FINISHED}


async def test_what_is_published_under_a_free_name_is_finished_at_once(
    folder: Path, hints: tuple[Watcher, list[FileEvent]]
) -> None:
    watcher, seen = hints
    assert watcher.watch(folder, seen.append) is None
    publish(folder / "a", b"x", replace=False)
    (folder / "last").write_bytes(b"x")
    await wait_until(lambda: FileEvent(folder, "last", FileEventKind.FINISHED) in seen)
    assert [hint.kind for hint in seen if hint.entry == "a"][-1] is FileEventKind.FINISHED


async def test_what_leaves_the_folder_is_hinted_at(
    folder: Path, hints: tuple[Watcher, list[FileEvent]]
) -> None:
    watcher, seen = hints
    (folder / "a").write_bytes(b"x")
    watcher.watch(folder, seen.append)
    (folder / "a").rename(folder.parent / "a")
    await wait_until(lambda: any(hint.entry == "a" for hint in seen))


async def test_a_file_closed_below_an_entry_only_says_changed(
    folder: Path, hints: tuple[Watcher, list[FileEvent]]
) -> None:
    watcher, seen = hints
    (folder / "sub").mkdir()
    watcher.watch(folder, seen.append)
    (folder / "sub" / "f").write_bytes(b"x")
    await wait_until(lambda: bool(seen))
    (folder / "last").write_bytes(b"x")
    await wait_until(lambda: FileEvent(folder, "last", FileEventKind.FINISHED) in seen)
    assert {hint.kind for hint in seen if hint.entry == "sub"} == {FileEventKind.CHANGED}


async def test_a_flood_of_events_is_one_hint_for_each_entry_with_the_last_kind(
    folder: Path, hints: tuple[Watcher, list[FileEvent]]
) -> None:
    watcher, seen = hints
    watcher.watch(folder, seen.append)
    for _ in range(1_000):  # the loop cannot take any of them in between
        watcher._hand_over(FileEvent(folder, "a", FileEventKind.CHANGED))
        watcher._hand_over(FileEvent(folder, "b", FileEventKind.FINISHED))
    watcher._hand_over(FileEvent(folder, "a", FileEventKind.FINISHED))
    watcher._hand_over(FileEvent(folder, "b", FileEventKind.CHANGED))
    await wait_until(lambda: bool(seen))
    assert seen == [
        FileEvent(folder, "a", FileEventKind.FINISHED),
        FileEvent(folder, "b", FileEventKind.CHANGED),
    ]


async def test_reading_says_nothing(folder: Path, hints: tuple[Watcher, list[FileEvent]]) -> None:
    watcher, seen = hints
    (folder / "a").write_bytes(b"x")
    watcher.watch(folder, seen.append)
    (folder / "a").read_bytes()
    (folder / "last").write_bytes(b"x")
    await wait_until(lambda: FileEvent(folder, "last", FileEventKind.FINISHED) in seen)
    assert {hint.entry for hint in seen} == {"last"}


async def test_a_missing_folder_is_reported(folder: Path, hints: tuple[Watcher, list[FileEvent]]) -> None:
    watcher, seen = hints
    assert watcher.watch(folder / "none", seen.append) is PollReason.NO_EVENTS
    assert watcher.watch(folder, seen.append) is None
    assert watcher.watch(folder, seen.append) is None
    watcher.unwatch(folder, seen.append)


@pytest.mark.parametrize("away", ["removed", "renamed"])
async def test_a_folder_that_was_exchanged_is_watched_when_asked_again(
    folder: Path, hints: tuple[Watcher, list[FileEvent]], away: str
) -> None:
    """The name is the same, the inode may be: what was watched is neither."""
    watcher, seen = hints
    assert watcher.watch(folder, seen.append) is None
    if away == "removed":
        folder.rmdir()
        await wait_until(lambda: FileEvent(folder, "", FileEventKind.CHANGED) in seen)
    else:
        folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    assert watcher.watch(folder, seen.append) is None
    (folder / "a").write_bytes(b"x")
    await wait_until(lambda: FileEvent(folder, "a", FileEventKind.FINISHED) in seen)


async def test_a_closed_watcher_watches_nothing(folder: Path) -> None:
    watcher = Watcher()
    await watcher.close()
    assert watcher.watch(folder, print) is PollReason.NO_EVENTS


async def test_when_the_kernel_loses_events_every_folder_is_hinted_at(
    folder: Path, hints: tuple[Watcher, list[FileEvent]], monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, seen = hints
    other = folder.parent / "other"
    other.mkdir()
    assert watcher.watch(folder, seen.append) is None
    assert watcher.watch(other, seen.append, recursive=False) is None
    go_on = threading.Event()
    read_events = InotifyFD.read_events

    def slow(queue: InotifyFD) -> list[InotifyEvent]:
        go_on.wait(60)
        return read_events(queue)

    monkeypatch.setattr(InotifyFD, "read_events", slow)
    (folder / "first").touch()
    await wait_until(lambda: any(hint.entry == "first" for hint in seen))  # from now on nobody reads
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(most // 3 + 1):  # created, opened, closed
        os.close(os.open(folder / f"{number}", os.O_CREAT | os.O_WRONLY))
    (folder / "lost").mkdir()
    go_on.set()
    everything = {FileEvent(folder, "", FileEventKind.CHANGED), FileEvent(other, "", FileEventKind.CHANGED)}
    # The queue holds thousands: the next look begins where the last one ended.
    position = 0

    def all_hinted() -> bool:
        nonlocal position
        fresh, position = seen[position:], len(seen)
        everything.difference_update(fresh)
        return not everything

    await wait_until(all_hinted, seconds=60)
    assert not any(hint.entry == "lost" for hint in seen)
    (folder / "lost" / "later").touch()  # and events come again, from folders that nobody had heard of, too
    await wait_until(lambda: any(hint.entry == "lost" for hint in seen[position:]))


async def test_each_of_two_who_watch_a_folder_gets_its_events(folder: Path) -> None:
    watcher = Watcher()
    one: list[FileEvent] = []
    other: list[FileEvent] = []
    try:
        assert watcher.watch(folder, one.append) is None
        assert watcher.watch(folder, other.append) is None
        assert watcher.watch(folder, other.append) is None
        (folder / "a").write_bytes(b"x")
        await wait_until(lambda: [hint.entry for hint in one] == [hint.entry for hint in other] != [])
        watcher.unwatch(folder, one.append)
        (folder / "b").write_bytes(b"x")
        await wait_until(lambda: FileEvent(folder, "b", FileEventKind.FINISHED) in other)
        assert {hint.entry for hint in one} == {"a"}
        watcher.unwatch(folder, other.append)
        watcher.unwatch(folder, other.append)
        assert watcher._watches == {}
    finally:
        await watcher.close()


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_folder_may_be_a_link(
    folder: Path, hints: tuple[Watcher, list[FileEvent]], swapped: bool
) -> None:
    watcher, seen = hints
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert watcher.watch(link, seen.append) is None
    if swapped:
        (other := folder.with_name("other")).mkdir()
        link.unlink()
        link.symlink_to(other)
        assert watcher.watch(link, seen.append) is None
        folder = other
    (folder / "sub").mkdir()
    (folder / "a").write_bytes(b"x")
    await wait_until(lambda: FileEvent(link, "a", FileEventKind.FINISHED) in seen)
    assert {hint.entry for hint in seen} == {"sub", "a"}
    assert {hint.folder for hint in seen} == {link}


async def test_a_folder_and_a_link_to_it_are_watched_apart(
    folder: Path, hints: tuple[Watcher, list[FileEvent]]
) -> None:
    watcher, seen = hints
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert watcher.watch(folder, seen.append) is None
    assert watcher.watch(link, seen.append) is None
    watcher.unwatch(folder, seen.append)
    (folder / "a").write_bytes(b"x")
    await wait_until(lambda: FileEvent(link, "a", FileEventKind.FINISHED) in seen)
    assert {hint.folder for hint in seen} == {link}


async def test_where_programs_may_not_watch_all_folders_are_polled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_class: object) -> int:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(InotifyFD, "_create_inotify_fd", classmethod(refuse))
    watcher = Watcher()
    assert watcher.watch(folder, print) is PollReason.FEW_WATCHES
    watcher.unwatch(folder, print)
    await watcher.close()


FEW = 30
"""Watches that a process of its own user namespace may have."""


async def watch_a_growing_tree(folder: Path) -> dict[str, object]:
    """Watch a folder that becomes larger than the limit; then let it shrink, and watch it again."""
    watcher = Watcher()
    seen: list[FileEvent] = []
    first = watcher.watch(folder, seen.append)
    tree = folder.with_name("tree")
    for number in range(2 * FEW):
        (tree / f"{number}").mkdir(parents=True)
    tree.rename(folder / "tree")
    whole = FileEvent(folder, "", FileEventKind.CHANGED)
    await wait_until(lambda: whole in seen)
    second = watcher.watch(folder, seen.append)
    shutil.rmtree(folder / "tree")
    observer = watcher._observer
    assert observer is not None
    await wait_until(lambda: len(observer._queue._watch_for_wd) == 1)
    third = watcher.watch(folder, seen.append)
    watcher._retry_seconds = 0.0
    fourth = watcher.watch(folder, seen.append)
    await watcher.close()
    return {"first": first, "second": second, "third": third, "fourth": fourth, "asked": seen.count(whole)}


def test_a_folder_is_polled_once_there_are_too_few_watches(tmp_path: Path) -> None:
    """In a process whose user may not watch more: the limit is the kernel's."""
    (folder := tmp_path / "drop").mkdir()
    limit = f"echo {FEW} > /proc/sys/user/max_inotify_watches"
    script = f"{limit} && exec {sys.executable} -m tests.agent.folders.test_watcher {folder}"
    done = subprocess.run(
        ["unshare", "-U", "-r", "sh", "-c", script], capture_output=True, check=False, text=True
    )
    if done.returncode and "unshare" in done.stderr:
        pytest.skip(f"user namespaces are not allowed here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    few = PollReason.FEW_WATCHES.value
    assert json.loads(done.stdout) == {"first": None, "second": few, "third": few, "fourth": None, "asked": 1}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(watch_a_growing_tree(Path(sys.argv[1])))))
