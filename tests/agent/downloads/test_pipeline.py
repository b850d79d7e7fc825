# ruff: noqa: ASYNC240 — the files of a test are small and near
"""From an admitted envelope to the delivered payload, between two real engines."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.agent.download_pipelines import put, receiving_at, seeding
from tests.agent.homes import Home, fill, opened, seal_for, seal_manifest, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.downloads.inventory import fingerprint_delivered, take_inventory
from tuishare.core.records import DownloadStep
from tuishare.core.share_sealing import own_credentials
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.swarm import TorrentSpec
from tuishare.torrents import InfoHash

pytestmark = pytest.mark.usefixtures("bob")


@pytest.mark.parametrize("kind", ["file", "folder"])
async def test_a_payload_is_delivered_identical(alice: Home, bob: Home, kind: str) -> None:
    path = alice.drop / "x"
    if kind == "folder":
        (path / "sub").mkdir(parents=True)
        fill(path / "sub" / "ü")
        (path / "empty").write_bytes(b"")
    else:
        fill(path, 700_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        record = await desk.until(DownloadStep.COMPLETE)
        landed = bob.downloads / "alice" / "x"
        assert record.path == str(landed)
        assert content(landed) == content(path)
        assert (record.fingerprint, record.staging) == (fingerprint_delivered(take_inventory(landed)), "")
        assert await desk.stored() == [record]
        assert os.listdir(bob.inbox) == ["accepted"]
        assert os.listdir(bob.downloads / INCOMING) == []
        assert desk.joined == {record.info_hash}  # for the other recipients


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [child for child in path.rglob("*") if child.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


async def test_a_name_that_is_taken_is_never_overwritten(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x.bin")
    (bob.downloads / "alice").mkdir()
    (bob.downloads / "alice" / "x.bin").write_text("mine")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        await put(desk, alice, bob, sender.seal(bob))
        record = await desk.until(DownloadStep.COMPLETE)
    assert (bob.downloads / "alice" / "x.bin").read_text() == "mine"
    assert Path(record.path).name == "x (2).bin"
    assert Path(record.path).read_bytes() == path.read_bytes()


async def test_a_new_generation_does_not_meet_the_former_half_delivered(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(alice.drop / "x")
    first = share_of(path)
    async with receiving_at(bob) as desk:
        flushing, go_on = asyncio.Event(), asyncio.Event()
        flush = desk.context.engine.flush

        async def slow(info_hash: InfoHash) -> None:
            flushing.set()
            await go_on.wait()
            await flush(info_hash)

        monkeypatch.setattr(desk.context.engine, "flush", slow)
        async with opened(alice) as context:
            await context.engine.add(
                TorrentSpec(first.torrent, path.parent, "tls", own_credentials(first), complete=True)
            )
            contacts = (f"127.0.0.1:{context.engine.listening['tls']}",)
            await put(desk, alice, bob, seal_for(alice, first, bob.user(), contacts=contacts))
            await asyncio.wait_for(flushing.wait(), 10)
        fill(path)
        async with seeding(alice, path) as sender:
            data = sender.seal(bob, id=first.id, generation=2)
            second = asyncio.create_task(put(desk, alice, bob, data, "second"))
            await wait_until((bob.inbox / f"second{ENVELOPE_SUFFIX}").exists)
            go_on.set()
            await second
            record = await desk.until(DownloadStep.COMPLETE)
        assert (record.generation, record.problem) == (2, "")
    assert os.listdir(bob.downloads / "alice") == ["x"]
    assert (bob.downloads / "alice" / "x").read_bytes() == path.read_bytes()


async def test_malformed_contacts_cost_only_themselves(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        contacts = ("", "nonsense", "1.2.3.4:99999", "a b:1", "\x1b[2J:1", "999.1.1.1:5", *sender.contacts)
        await put(desk, alice, bob, seal_manifest(alice, sender.share, bob.user(), contacts=contacts[1:]))
        await desk.until(DownloadStep.COMPLETE)


async def test_a_plain_share_is_received_too(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    share = share_of(path, transport="plain")
    async with opened(alice) as context, receiving_at(bob) as desk:
        await context.engine.add(TorrentSpec(share.torrent, path.parent, "plain", None, complete=True))
        contacts = (f"127.0.0.1:{context.engine.listening['plain']}",)
        await put(desk, alice, bob, seal_for(alice, share, bob.user(), contacts=contacts))
        assert Path((await desk.until(DownloadStep.COMPLETE)).path).read_bytes() == path.read_bytes()
