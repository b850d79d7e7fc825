# ruff: noqa: ASYNC240 — the files of a test are small and near
"""Downloads over restarts: whatever step the last run left them at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.agent.download_pipelines import judge, put, receiving_at, seeding
from tests.agent.homes import Home, edit_unseen, fill, opened, seal_for
from tests.waiting import wait_until
from tuishare.agent.downloads import payload_watch
from tuishare.agent.downloads.files import INCOMING
from tuishare.core.clock import wall_clock
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.torrents import InfoHash

pytestmark = pytest.mark.usefixtures("bob")


async def finished(alice: Home, bob: Home, path: Path) -> DownloadRecord:
    """Deliver a payload and stop."""
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        return await desk.until(DownloadStep.COMPLETE)


async def rewind(bob: Home, record: DownloadRecord) -> None:
    async with opened(bob) as context:
        await context.store.run(lambda database: database.save(record))


async def test_a_download_goes_on_after_a_restart(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x", 500_000)
    async with seeding(alice, path) as sender:
        data = sender.seal(bob)
        async with receiving_at(bob) as desk:
            await put(desk, alice, bob, seal_for(alice, sender.share, bob.user()), "y")  # nobody to ask
            (bob.inbox / f"y{ENVELOPE_SUFFIX}").unlink()
            before = await desk.until(DownloadStep.DOWNLOADING)
            received = judge(alice, bob, data)
            await desk.context.store.run(
                lambda database: database.save(replace(before, contacts=received.manifest.contacts))
            )
        async with receiving_at(bob) as desk:
            await desk.until(DownloadStep.COMPLETE)
    assert (bob.downloads / "alice" / "x").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("moved", ["nothing", "payload", "payload and envelope"])
async def test_a_crash_while_delivering_is_finished(alice: Home, bob: Home, moved: str) -> None:
    path = fill(alice.drop / "x")
    done = await finished(alice, bob, path)
    staging = bob.downloads / INCOMING / f"{done.id}-1"
    await rewind(bob, replace(done, step=DownloadStep.DELIVERING, staging=str(staging), fingerprint=""))
    staging.mkdir()
    if moved == "nothing":
        Path(done.path).rename(staging / "x")
    if moved != "payload and envelope":
        (bob.inbox / "accepted" / done.envelope).rename(bob.inbox / done.envelope)
    async with receiving_at(bob) as desk:
        again = await desk.until(DownloadStep.COMPLETE)
        assert again.completed >= done.completed
        assert replace(again, fingerprint="", completed=0) == replace(done, fingerprint="", completed=0)
        assert desk.joined == {done.info_hash}
    assert os.listdir(bob.downloads / "alice") == ["x"]
    assert Path(done.path).read_bytes() == path.read_bytes()
    assert os.listdir(bob.inbox) == ["accepted"]
    assert os.listdir(staging.parent) == []


async def test_a_name_taken_during_a_crash_is_left_to_whoever_took_it(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    done = await finished(alice, bob, path)
    staging = bob.downloads / INCOMING / f"{done.id}-1"
    staging.mkdir()
    Path(done.path).rename(staging / "x")
    Path(done.path).write_text("mine")
    await rewind(bob, replace(done, step=DownloadStep.DELIVERING, staging=str(staging), fingerprint=""))
    async with receiving_at(bob) as desk:
        record = await desk.until(DownloadStep.COMPLETE)
    assert Path(done.path).read_text() == "mine"
    assert Path(record.path).read_bytes() == path.read_bytes()


async def test_what_was_delivered_is_served_on_after_a_restart(alice: Home, bob: Home) -> None:
    done = await finished(alice, bob, fill(alice.drop / "x"))
    async with receiving_at(bob) as desk:
        assert (desk.only, desk.joined) == (done, {done.info_hash})


@pytest.mark.parametrize(("days", "passed", "served"), [(7, 6.9, True), (7, 7.1, False), (0.5, 0.6, False)])
async def test_what_was_delivered_is_served_on_for_some_days(
    alice: Home, bob: Home, days: float, passed: float, served: bool
) -> None:
    bob.configure(downloads={"seed_days": days})
    done = await finished(alice, bob, fill(alice.drop / "x"))
    async with receiving_at(bob) as desk:
        assert desk.joined == {done.info_hash}
        desk.context.clock.read = lambda: wall_clock() + timedelta(days=passed)
        await desk.queue.seeding.end()
        assert desk.joined == ({done.info_hash} if served else set())
    await rewind(bob, replace(done, completed=done.completed - int(passed * 86_400)))
    async with receiving_at(bob) as desk:  # nor after a restart
        assert desk.joined == ({done.info_hash} if served else set())


async def test_who_wants_so_serves_nothing_on(alice: Home, bob: Home) -> None:
    bob.configure(downloads={"seed_days": 0})
    path = fill(alice.drop / "x")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await desk.until(DownloadStep.COMPLETE)
        assert desk.joined == set()


@pytest.mark.parametrize("change", ["edited", "edited unseen", "moved", "removed"])
async def test_what_its_owner_changed_is_neither_served_nor_mended(
    alice: Home, bob: Home, change: str
) -> None:
    path = fill(alice.drop / "x")
    done = await finished(alice, bob, path)
    landed = Path(done.path)
    match change:
        case "edited":
            landed.write_bytes(b"mine" + path.read_bytes()[4:])
        case "edited unseen":
            edit_unseen(landed)
        case "moved":
            landed.rename(landed.with_name("kept"))
        case _:
            landed.unlink()
    before = {file: file.read_bytes() for file in landed.parent.iterdir()}
    async with seeding(alice, path), receiving_at(bob) as desk:
        await wait_until(lambda: desk.queue._repository.is_altered(desk.only))
        assert (desk.only.step, desk.joined) == (DownloadStep.COMPLETE, set())
    assert {file: file.read_bytes() for file in landed.parent.iterdir()} == before


def restore(landed: Path) -> None:
    """Put a copy in its place, as a backup does."""
    copy = landed.with_name("copy")
    shutil.copy2(landed, copy)
    copy.replace(landed)


SAME: dict[str, Callable[[Path], object]] = {
    "touched": lambda landed: os.utime(landed, (1, 1)),
    "linked": lambda landed: os.link(landed, landed.with_name("second name")),
    "given another mode": lambda landed: landed.chmod(0o640),
    "restored": restore,
}


@pytest.mark.parametrize("change", SAME)
async def test_the_same_content_is_compared_once_and_served_on(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    done = await finished(alice, bob, fill(alice.drop / "x"))
    SAME[change](Path(done.path))
    async with receiving_at(bob) as desk:
        await wait_until(lambda: desk.joined == {done.info_hash})
        assert not desk.queue._repository.is_doubtful(desk.only)
    monkeypatch.setattr(payload_watch, "compare_with_torrent", unread)
    async with receiving_at(bob) as desk:
        assert desk.joined == {done.info_hash}


async def test_what_a_version_before_has_delivered_is_compared_once_and_served_on(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await finished(alice, bob, fill(alice.drop / "x"))
    await rewind(bob, replace(done, fingerprint="ab" * 32))
    async with receiving_at(bob) as desk:
        await wait_until(lambda: desk.joined == {done.info_hash})
        assert desk.only == done
    monkeypatch.setattr(payload_watch, "compare_with_torrent", unread)
    async with receiving_at(bob) as desk:
        assert desk.joined == {done.info_hash}


async def test_what_was_found_to_be_changed_is_not_read_at_every_start(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await finished(alice, bob, fill(alice.drop / "x"))
    edit_unseen(Path(done.path))
    async with receiving_at(bob) as desk:
        await wait_until(lambda: desk.queue._repository.is_altered(desk.only))
    monkeypatch.setattr(payload_watch, "compare_with_torrent", unread)
    async with receiving_at(bob) as desk:
        assert (desk.queue._repository.is_altered(desk.only), desk.joined) == (True, set())


def unread(*_: object, **_more: object) -> None:
    raise AssertionError("read although nothing has changed")


async def test_a_payload_that_cannot_be_served_on_is_still_received(alice: Home, bob: Home) -> None:
    done = await finished(alice, bob, fill(alice.drop / "x"))
    await rewind(bob, replace(done, leaf_key=b"damaged"))
    async with receiving_at(bob) as desk:
        assert (desk.only.step, desk.joined) == (DownloadStep.COMPLETE, set())


async def test_the_same_content_in_a_new_generation_is_not_taken_for_received(alice: Home, bob: Home) -> None:
    """Resume data of the first generation say "all there" of a folder that is empty now."""
    path = fill(alice.drop / "x")
    async with seeding(alice, path) as sender:
        async with receiving_at(bob) as desk:
            await put(desk, alice, bob, sender.seal(bob))
            done = await desk.until(DownloadStep.COMPLETE)
            saved = {
                InfoHash(done.info_hash): await desk.context.engine.save_resume(InfoHash(done.info_hash))
            }
            await desk.context.store.run(lambda database: database.save_resume(saved))
        async with receiving_at(bob) as desk:
            await put(desk, alice, bob, sender.seal(bob, generation=2))
            again = await desk.until(DownloadStep.COMPLETE)
    assert (again.generation, Path(again.path).read_bytes()) == (2, path.read_bytes())


async def test_a_problem_keeps_the_envelope_and_is_tried_again_after_a_restart(
    alice: Home, bob: Home
) -> None:
    path = fill(alice.drop / "x")
    async with seeding(alice, path) as sender:
        async with receiving_at(bob) as desk:
            (bob.downloads / INCOMING).write_bytes(b"in the way")
            await put(desk, alice, bob, sender.seal(bob))
            record = await desk.until(DownloadStep.PROBLEM)
            assert record.problem
            assert (bob.inbox / record.envelope).exists()
        (bob.downloads / INCOMING).unlink()
        async with receiving_at(bob) as desk:
            assert (await desk.until(DownloadStep.COMPLETE)).problem == ""
