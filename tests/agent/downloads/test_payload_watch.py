"""What was delivered is served as it was delivered, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.download_pipelines import Desk, put, receiving_at, seeding
from tests.agent.homes import SETTLE, Home, edit_unseen, fill
from tests.waiting import wait_until
from tuishare.agent.downloads.payload_watch import PayloadWatcher
from tuishare.agent.folders.stability import FileEventKind
from tuishare.agent.folders.watcher import FileEvent, Watcher
from tuishare.core.records import DownloadStep


@asynccontextmanager
async def watched(desk: Desk) -> AsyncIterator[PayloadWatcher]:
    payload_watcher = desk.payload_watcher
    watcher = Watcher()
    task = asyncio.create_task(payload_watcher._watch(watcher))
    try:
        yield payload_watcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await watcher.close()


async def deliver(desk: Desk, alice: Home, bob: Home, path: Path) -> Path:
    async with seeding(alice, path) as sender:
        await put(desk, alice, bob, sender.seal(bob))
        record = await desk.until(DownloadStep.COMPLETE)
        await wait_until(lambda: desk.joined == {record.info_hash})
    return Path(record.path)


def fill_deep(alice: Home) -> Path:
    (alice.drop / "x" / "deep").mkdir(parents=True)
    fill(alice.drop / "x" / "deep" / "a")
    return alice.drop / "x"


def edit(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"mine")


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited": edit,
    "edited unseen": edit_unseen,
    "moved": lambda path: path.rename(path.with_name("kept")),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_changed_while_it_is_served_leaves_its_swarm(
    alice: Home, bob: Home, change: str
) -> None:
    async with receiving_at(bob) as desk, watched(desk) as payload_watcher:  # the next scan is a minute away
        landed = await deliver(desk, alice, bob, fill(alice.drop / "x"))
        await wait_until(lambda: landed.parent in payload_watcher._folders)
        CHANGES[change](landed)
        await wait_until(lambda: desk.joined == set())
        repository = desk.queue._repository
        await wait_until(lambda: repository.is_altered(desk.only))
        assert (desk.only.step, desk.only.problem) == (DownloadStep.COMPLETE, "")


async def test_deep_inside_a_folder_it_is_found_by_the_scan(alice: Home, bob: Home) -> None:
    bob.configure(settle=SETTLE | {"rescan": 0.2})
    deep = fill_deep(alice)
    async with receiving_at(bob) as desk, watched(desk):
        landed = await deliver(desk, alice, bob, deep)
        edit(landed / "deep" / "a")
        await wait_until(lambda: desk.joined == set())


async def test_what_is_only_read_is_served_on(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk, watched(desk) as payload_watcher:
        landed = await deliver(desk, alice, bob, fill(alice.drop / "x"))
        await wait_until(lambda: landed.parent in payload_watcher._folders)
        (landed.parent / "beside").write_text("x")
        landed.read_bytes()
        payload_watcher.on_file_event(FileEvent(landed.parent, "x", FileEventKind.CHANGED))
        await wait_until(lambda: not payload_watcher._events and not payload_watcher._woken.is_set())
        assert desk.joined == {desk.only.info_hash}


async def test_what_is_touched_is_compared_and_served_on(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk, watched(desk) as payload_watcher:
        landed = await deliver(desk, alice, bob, fill(alice.drop / "x"))
        await wait_until(lambda: landed.parent in payload_watcher._folders)
        before = desk.only
        landed.chmod(0o640)
        await wait_until(lambda: desk.only.fingerprint != before.fingerprint)
        await wait_until(lambda: desk.joined == {before.info_hash})
        assert desk.only == replace(before, fingerprint=desk.only.fingerprint)


async def test_what_was_put_back_is_served_again(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk, watched(desk) as payload_watcher:
        landed = await deliver(desk, alice, bob, fill(alice.drop / "x"))
        await wait_until(lambda: landed.parent in payload_watcher._folders)
        landed.rename(landed.parent.parent / "away")
        await wait_until(lambda: desk.joined == set())
        (landed.parent.parent / "away").rename(landed)
        await wait_until(lambda: desk.joined == {desk.only.info_hash})
        assert not desk.queue._repository.is_altered(desk.only)


async def test_when_events_were_lost_all_of_a_folder_is_looked_at(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk, watched(desk) as payload_watcher:
        landed = await deliver(desk, alice, bob, fill_deep(alice))
        await wait_until(lambda: landed.parent in payload_watcher._folders)
        edit(landed / "deep" / "a")
        payload_watcher.on_file_event(FileEvent(landed.parent, "", FileEventKind.CHANGED))
        await wait_until(lambda: desk.joined == set())


async def test_what_has_made_room_for_a_new_generation_is_not_judged(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk:
        landed = await deliver(desk, alice, bob, fill(alice.drop / "x"))
        repository = desk.queue._repository
        payload_watcher = desk.payload_watcher
        judged = desk.only
        landed.unlink()
        async with repository.lock:
            check = asyncio.create_task(payload_watcher._check(judged))
            await repository.save(replace(judged, generation=2))
        await check
        assert desk.joined == {judged.info_hash}
        assert not repository.is_altered(desk.only)
