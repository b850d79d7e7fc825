# ruff: noqa: ASYNC240 — the files of a test are small and near
"""When a delivered payload is seeded no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.download_pipelines import Desk, Sender, put, receiving_at, seeding
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.core.records import DownloadStep
from tuishare.core.share_sealing import own_credentials
from tuishare.swarm import Endpoint, Engine, EngineSettings, TorrentSpec
from tuishare.torrents import InfoHash

pytestmark = pytest.mark.usefixtures("bob")


async def test_what_was_given_often_enough_is_served_no_longer_also_after_a_restart(
    alice: Home, bob: Home
) -> None:
    path = fill(alice.drop / "x", 300_000)
    bob.configure(downloads={"seed_ratio": 1.0})
    async with seeding(alice, path) as sender:
        async with receiving_at(bob) as desk:
            await put(desk, alice, bob, sender.seal(bob))
            done = await desk.until(DownloadStep.COMPLETE)
            await desk.queue.seeding.end()
            assert desk.joined == {done.info_hash}
            await _fetch_from(desk, sender, alice.places.files / "again")
            await wait_until(
                lambda: desk.context.engine.all_progress()[InfoHash(done.info_hash)].uploaded >= 300_000
            )
            await desk.queue.seeding.end()
            assert desk.joined == set()
        async with receiving_at(bob) as desk:
            await wait_until(
                lambda: desk.context.engine.all_progress()[InfoHash(done.info_hash)].uploaded > 0
            )
            await desk.queue.seeding.end()
            assert desk.joined == set()


async def _fetch_from(desk: Desk, sender: Sender, into: Path) -> None:
    """Let somebody else with a ticket download from a recipient."""
    into.mkdir()
    engine = await Engine.start(EngineSettings(listen_tls="127.0.0.1:0", refresh=0.05))
    try:
        there = Endpoint("127.0.0.1", desk.context.engine.listening["tls"])
        ticket = own_credentials(sender.share)
        info_hash = await engine.add(
            TorrentSpec(sender.share.torrent, into, "tls", ticket, contacts=(there,))
        )
        await wait_until(lambda: engine.progress(info_hash).state == "seeding")
    finally:
        await engine.close()
