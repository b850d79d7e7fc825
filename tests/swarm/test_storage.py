"""What is said to be on the disk is there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, connect, make_share
from tests.waiting import wait_until
from tuishare.errors import SystemFailed
from tuishare.swarm import Failed


async def test_an_interrupted_download_goes_on_where_it_was(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    share = make_share(tmp_path / "alice", size=2 << 20)
    alice, bob = await start_engine(), await start_engine(download_limit=1_000_000)
    await alice.add(share.seeding())
    await bob.add(share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: bob.progress(share.info_hash).done > 300_000)
    saved = await bob.close()
    again = await start_engine()
    await again.add(share.downloading(tmp_path / "bob", resume_data=saved[share.info_hash]))
    await wait_until(lambda: again.progress(share.info_hash).state == "downloading")
    kept = again.progress(share.info_hash).done
    assert 300_000 < kept < len(share.data)
    connect(again, share.info_hash, at(alice))
    await wait_until(lambda: again.progress(share.info_hash).state == "seeding")
    await again.flush(share.info_hash)
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == share.data


async def test_resume_data_hold_no_secret(start_engine: StartEngine, share: Share) -> None:
    alice = await start_engine()
    seeding = replace(share.seeding(), announce=(("http://127.0.0.1:9/announce/planted-passkey",),))
    info_hash = await alice.add(seeding)
    data = await alice.save_resume(info_hash)
    assert seeding.credentials is not None
    assert seeding.credentials.leaf_key not in data
    assert b"PRIVATE KEY" not in data


async def test_a_disk_that_fails_is_never_a_success(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """libtorrent says "finished" before it has written anything, and "flushed" although it could not."""
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "payload.bin").symlink_to("/dev/full")
    with bob.subscribe() as events:
        await bob.add(share.downloading(tmp_path / "bob", at(alice)))
        async with asyncio.timeout(10):
            async for event in events:
                if isinstance(event, Failed):
                    assert event.reason
                    break
    with pytest.raises(SystemFailed, match="could not be written"):
        await bob.flush(share.info_hash)
    with pytest.raises(SystemFailed, match="could not be written"):
        await bob.save_resume(share.info_hash)

    (tmp_path / "bob" / "payload.bin").unlink()
    await bob.remove(share.info_hash)
    await bob.add(share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: bob.progress(share.info_hash).state == "seeding")
    await bob.flush(share.info_hash)
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == share.data
