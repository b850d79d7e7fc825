"""What follows when a download fails, between two real engines."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.download_pipelines import lonely, put, receiving_at, seeding
from tests.agent.homes import Home, fill, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads import queue
from tuishare.agent.downloads.files import INCOMING
from tuishare.api.messages import ActivityKind
from tuishare.core.records import DownloadStep
from tuishare.core.share_sealing import own_credentials
from tuishare.errors import SystemFailed
from tuishare.swarm import PeerRefused, TicketNotYetValid, TorrentSpec, certificates
from tuishare.torrents import InfoHash

pytestmark = pytest.mark.usefixtures("bob")


async def test_content_that_we_serve_ourselves_is_not_touched(alice: Home, bob: Home) -> None:
    """The swarm that is left for a failed download must be its own, not that of our share with the same content."""
    path = fill(alice.drop / "x")
    own = share_of(path)
    async with receiving_at(bob) as desk:
        await desk.context.engine.add(
            TorrentSpec(own.torrent, path.parent, "tls", own_credentials(own), complete=True)
        )
        share = share_of(path)
        await put(desk, alice, bob, seal_for(alice, share, bob.user()))
        assert (desk.only.step, "already" in desk.only.problem) == (DownloadStep.PROBLEM, True)
        await put(desk, alice, bob, seal_for(alice, replace(share, generation=2), bob.user()))
        assert (desk.only.generation, desk.only.step) == (2, DownloadStep.PROBLEM)
        assert desk.joined == {own.info_hash}


async def test_what_the_engine_gives_up_is_a_problem(alice: Home, bob: Home) -> None:
    async with receiving_at(bob) as desk:
        await put(desk, alice, bob, lonely(alice, bob, fill(alice.drop / "x")))
        await desk.queue.record_problem(InfoHash("00"), SystemFailed("of another torrent"))
        assert desk.only.step is DownloadStep.DOWNLOADING
        full = SystemFailed("No space left on device", errno=errno.ENOSPC)
        await desk.queue.record_problem(InfoHash(desk.only.info_hash), full)
        assert (desk.only.step, desk.only.problem) == (DownloadStep.PROBLEM, "No space left on device")
        assert desk.queue._retries._due.keys() == {desk.only.id}


async def test_what_time_can_mend_is_tried_again(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was wrong at the start, and a folder that cannot be used."""
    monkeypatch.setattr(queue, "QUEUE_SECONDS", 0.1)
    monkeypatch.setattr(queue, "FIRST_RETRY_SECONDS", 0.2)
    path = fill(alice.drop / "x")
    in_the_way = bob.downloads / INCOMING
    in_the_way.write_bytes(b"in the way")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        await desk.until(DownloadStep.PROBLEM)
        assert desk.queue.seconds_until_retry(desk.only.id) is not None

        def refuse(*_: object) -> None:
            raise TicketNotYetValid("The ticket for this share is not valid before tomorrow")

        with monkeypatch.context() as clock:
            clock.setattr(certificates, "_check_time", refuse)
            in_the_way.unlink()
            await wait_until(lambda: "not valid before" in desk.only.problem)
        await desk.until(DownloadStep.COMPLETE)
        assert desk.queue.seconds_until_retry(desk.only.id) is None


def _spoil(path: Path) -> bytes:
    """Change some bytes in the middle; returns what was there."""
    data = path.read_bytes()
    spoilt = bytearray(data)
    spoilt[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(spoilt)
    return data


async def test_false_data_is_left_alone_with_growing_pauses_until_it_fits(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "QUEUE_SECONDS", 0.1)
    monkeypatch.setattr(queue, "FIRST_RETRY_SECONDS", 0.2)
    path = fill(alice.drop / "x", 700_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        data = _spoil(path)
        await put(desk, alice, bob, sender.seal(bob))
        pauses = desk.queue._retries._pauses
        await wait_until(lambda: list(pauses.values()) == [0.4], seconds=60)
        record = await desk.until(DownloadStep.PROBLEM)
        assert (record.problem, desk.joined) == ("The received data does not match its hashes", set())
        kept = await desk.context.store.run(lambda database: database.resume_data(record.info_hash))
        assert kept, "what is verified is not fetched again"
        path.write_bytes(data)
        await wait_until(lambda: desk.only.step is DownloadStep.COMPLETE, seconds=60)
        assert (bob.downloads / "alice" / "x").read_bytes() == data
        await desk.context.activity.write()
        told = [entry.kind for entry in desk.context.activity.recent]
        assert told.count(ActivityKind.PROBLEM) == 1
        assert not pauses


async def test_false_data_from_the_only_one_who_then_is_gone_is_left_alone_too(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is banned after one piece and cannot call back never sends two more."""
    monkeypatch.setattr(queue, "QUEUE_SECONDS", 0.1)
    path = fill(alice.drop / "x", 700_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        _spoil(path)
        with desk.context.engine.subscribe() as events:
            await put(desk, alice, bob, sender.seal(bob))
            async with asyncio.timeout(20):
                async for event in events:
                    if isinstance(event, PeerRefused):
                        break
        await sender.engine.remove(InfoHash(sender.share.info_hash))
        await wait_until(lambda: desk.only.step is DownloadStep.PROBLEM, seconds=20)
        assert desk.only.problem == "The received data does not match its hashes"


async def test_a_new_generation_does_not_inherit_the_pauses_of_false_data(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x", 700_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        _spoil(path)
        await put(desk, alice, bob, sender.seal(bob))
        pauses = desk.queue._retries._pauses
        await wait_until(lambda: bool(pauses), seconds=60)
        await put(desk, alice, bob, sender.seal(bob, generation=2), "y")
        assert not pauses
