"""Connections between two who have everything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed
from tests.waiting import wait_until
from tuishare.swarm import PeerRefused, connections


async def test_they_end_and_nobody_is_refused(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_PERIOD", 0.05)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 1)
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    with alice.subscribe() as events:
        await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
        await wait_until(lambda: alice.connections == bob.connections == 0)
    assert not [event async for event in events if isinstance(event, PeerRefused)]
    # Somebody who lacks something is served by both.
    carol = await start_engine()
    await completed(carol, share.downloading(tmp_path / "carol", at(alice), at(bob)))


async def test_who_lacks_something_stays(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_PERIOD", 0.05)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0)
    alice, bob = await start_engine(upload_limit=150_000), await start_engine()
    await alice.add(share.seeding())
    info_hash = await bob.add(share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: bob.progress(info_hash).done > 0)
    before = bob.progress(info_hash).done
    await wait_until(lambda: bob.progress(info_hash).done > before + 300_000)
    (peer,) = await alice.peers(share.info_hash)
    assert peer.uploaded > 300_000, "it is the first connection still"


async def test_who_lacks_something_stays_also_beside_one_who_has_everything(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a torrent that no peer has all of, no connection is looked at."""
    # Alice alone ends connections: the others would find hers among the sockets of this process.
    monkeypatch.setattr(connections, "IDLE_PERIOD", 600)
    carol, bob = await start_engine(), await start_engine(download_limit=150_000)
    await asyncio.sleep(0)
    monkeypatch.setattr(connections, "IDLE_PERIOD", 0.05)
    monkeypatch.setattr(connections, "IDLE_SECONDS", 60)
    alice = await start_engine()
    await alice.add(share.seeding())
    await completed(carol, share.downloading(tmp_path / "carol", at(alice)))
    (sated,) = await alice.peers(share.info_hash)
    info_hash = await bob.add(share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: bob.progress(info_hash).done > 150_000)
    assert carol.connections == 1, "silent, but not for long enough"
    (lacking,) = [peer for peer in await alice.peers(share.info_hash) if peer.peer_id != sated.peer_id]
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0)
    await wait_until(lambda: carol.connections == 0)
    before = bob.progress(info_hash).done
    await wait_until(lambda: bob.progress(info_hash).done > before + 150_000)
    (peer,) = await alice.peers(share.info_hash)
    assert peer.port == lacking.port, "it is the first connection still"
