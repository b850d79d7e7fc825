# ruff: noqa: ASYNC240 — the files of a test are small and near
"""What becomes of an opened envelope: admitted, held, refused."""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.agent.download_pipelines import Desk, digest, judge, lonely, put, receiving_at, seeding
from tests.agent.homes import Home, fill, seal_for, seal_manifest, share_of
from tuishare.agent.downloads import files, queue
from tuishare.core.opened_envelope import OpenedEnvelope
from tuishare.core.records import DownloadStep
from tuishare.envelope import Ticket
from tuishare.errors import Refused, SystemFailed
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.torrents import Torrent

pytestmark = pytest.mark.usefixtures("bob")


def hold(desk: Desk) -> Callable[[OpenedEnvelope, str, bytes], Awaitable[None]]:
    async def held(received: OpenedEnvelope, envelope: str, digest: bytes) -> None:
        await desk.admission.await_approval(received, envelope, digest, "not verified", "verify")

    return held


async def test_a_replay_is_refused_even_when_the_download_was_removed(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        data = sender.seal(bob)
        await put(desk, alice, bob, data)
        record = await desk.until(DownloadStep.COMPLETE)
        with pytest.raises(Refused, match="received before"):
            await put(desk, alice, bob, data)
        await desk.context.store.run(lambda database: database.record_rejection(record))
    async with receiving_at(bob) as desk:
        for work in (desk.admission.admit, hold(desk)):
            with pytest.raises(Refused, match="received before"):
                await work(judge(alice, bob, data), "x", digest(data))
        assert desk.queue.downloads == {}


async def test_the_envelope_of_a_download_under_way_changes_nothing(alice: Home, bob: Home) -> None:
    """An event may come twice, and after a restart the inbox is scanned anew."""
    data = lonely(alice, bob, fill(alice.drop / "x"))
    async with receiving_at(bob) as desk:
        await put(desk, alice, bob, data)
        before = desk.only
        await put(desk, alice, bob, data)
        await hold(desk)(judge(alice, bob, data), before.envelope, digest(data))
        assert (desk.only, desk.joined) == (before, {before.info_hash})
        with pytest.raises(Refused):
            await put(desk, alice, bob, data, "a copy")


@pytest.mark.parametrize("name", ["the same", "another"])
async def test_a_new_generation_takes_the_place_of_the_former(alice: Home, bob: Home, name: str) -> None:
    """Its envelope has a name of its own where it came by link; that of the former one would look like a replay."""
    path = fill(alice.drop / "x")
    first = share_of(path)
    async with receiving_at(bob) as desk:
        await put(desk, alice, bob, seal_for(alice, first, bob.user()), "the same")
        old = desk.only
        fill(path)
        async with seeding(alice, path) as sender:
            data = sender.seal(bob, id=first.id, generation=2)
            await put(desk, alice, bob, data, name)
            new = await desk.until(DownloadStep.COMPLETE)
        assert (new.id, new.generation, desk.joined) == (old.id, 2, {new.info_hash})
        assert not Path(old.staging).exists()
        assert await desk.stored() == [new]
    assert Path(new.path).read_bytes() == path.read_bytes()
    assert os.listdir(bob.inbox) == ["accepted"]


@pytest.mark.parametrize("moved", [True, False], ids=["the payload was moved", "it was not"])
async def test_a_delivery_that_a_full_disk_interrupts_is_finished_before_the_next_generation(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """Otherwise what stands in its place, half delivered, would pass for something that its recipient has made."""
    monkeypatch.setattr(queue, "FIRST_RETRY_SECONDS", 600.0)
    path = fill(alice.drop / "x")
    async with receiving_at(bob) as desk:
        first = share_of(path)

        async def receive(generation: int, step: DownloadStep) -> None:
            fill(path)
            async with seeding(alice, path) as sender:
                await put(desk, alice, bob, sender.seal(bob, id=first.id, generation=generation))
                await desk.until(step)

        await receive(1, DownloadStep.COMPLETE)
        with monkeypatch.context() as full:
            move = desk.queue.pipeline._files.move_payload

            def refuse(*arguments: Any) -> NoReturn:
                if moved:
                    move(*arguments)
                raise SystemFailed("Cannot write", errno=errno.ENOSPC)

            full.setattr(desk.queue.pipeline._files, "move_payload", refuse)
            await receive(2, DownloadStep.PROBLEM)
            with pytest.raises(SystemFailed):  # the disk still refuses; the envelope waits in the inbox
                await receive(3, DownloadStep.COMPLETE)
            assert (desk.only.generation, desk.only.step) == (2, DownloadStep.PROBLEM)
        await receive(3, DownloadStep.COMPLETE)
        assert (desk.only.generation, desk.only.problem) == (3, "")
    assert os.listdir(bob.downloads / "alice") == ["x"]
    assert (bob.downloads / "alice" / "x").read_bytes() == path.read_bytes()


async def test_waiting_for_approval_downloads_nothing_and_does_not_use_up_the_generation(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def take(_old: Torrent, payload: Path, *_rest: object) -> int:
        taken.append(payload)
        return 0

    monkeypatch.setattr(files, "reuse_unchanged_files", take)
    path = fill(alice.drop / "x")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        data = sender.seal(bob)
        envelope = f"x{ENVELOPE_SUFFIX}"
        await hold(desk)(judge(alice, bob, data), envelope, digest(data))
        assert (desk.only.step, desk.only.problem, desk.joined) == (
            DownloadStep.WAITING,
            "not verified",
            set(),
        )
        assert await desk.stored() == [desk.only]
        await put(desk, alice, bob, data)
        await desk.until(DownloadStep.COMPLETE)
    assert taken == []  # nothing was delivered before that could be taken over


async def test_a_ticket_without_a_certificate_is_refused_before_anything_is_recorded(
    alice: Home, bob: Home
) -> None:
    data = seal_manifest(
        alice, share_of(fill(alice.drop / "x")), bob.user(), ticket=Ticket(bytes(32), None, None)
    )
    async with receiving_at(bob) as desk:
        with pytest.raises(Refused, match="certificate"):
            await put(desk, alice, bob, data)
        assert (desk.queue.downloads, await desk.stored()) == ({}, [])
