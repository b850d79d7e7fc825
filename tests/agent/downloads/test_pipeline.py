# ruff: noqa: ASYNC240 — the files of a test are small and near
"""From an admitted envelope to the delivered payload, between two real engines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agent.download_pipelines import Desk, Sender, digest, judge, lonely, put, receiving_at, seeding
from tests.agent.homes import Home, fill, opened, seal_for, seal_manifest, share_of
from tests.waiting import wait_until
from tuishare.agent.downloads import files, queue, retries
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.downloads.inventory import fingerprint_delivered, take_inventory
from tuishare.api.messages import ActivityKind
from tuishare.core.opening import OpenedEnvelope
from tuishare.core.records import DownloadStep
from tuishare.core.sealing import own_credentials
from tuishare.envelope import Ticket
from tuishare.errors import Refused
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.swarm import Endpoint, Engine, EngineSettings, PeerRefused, TorrentSpec
from tuishare.torrents import InfoHash, Torrent

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


def hold(desk: Desk) -> Callable[[OpenedEnvelope, str, bytes], Awaitable[None]]:
    async def held(received: OpenedEnvelope, envelope: str, digest: bytes) -> None:
        await desk.admission.await_approval(received, envelope, digest, "not verified", "verify")

    return held


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


async def test_a_new_generation_takes_the_place_of_the_former(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x")
    first = share_of(path)
    async with receiving_at(bob) as desk:
        await put(desk, alice, bob, seal_for(alice, first, bob.user()))
        old = desk.only
        fill(path)
        async with seeding(alice, path) as sender:
            await put(desk, alice, bob, sender.seal(bob, id=first.id, generation=2))
            new = await desk.until(DownloadStep.COMPLETE)
        assert (new.id, new.generation, desk.joined) == (old.id, 2, {new.info_hash})
        assert not Path(old.staging).exists()
        assert await desk.stored() == [new]
    assert Path(new.path).read_bytes() == path.read_bytes()
    assert os.listdir(bob.inbox) == ["accepted"]


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
        await desk.queue.record_problem(InfoHash("00"), "of another torrent")
        assert desk.only.step is DownloadStep.DOWNLOADING
        await desk.queue.record_problem(InfoHash(desk.only.info_hash), "No space left on device")
        assert (desk.only.step, desk.only.problem) == (DownloadStep.PROBLEM, "No space left on device")


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
    monkeypatch.setattr(retries, "FIRST_SECONDS", 0.2)
    path = fill(alice.drop / "x", 700_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        data = _spoil(path)
        await put(desk, alice, bob, sender.seal(bob))
        pauses = desk.queue._retries._pauses
        await wait_until(lambda: list(pauses.values()) == [0.4], seconds=60)
        record = await desk.until(DownloadStep.PROBLEM)
        assert (record.problem, desk.joined) == ("What arrives does not fit its hashes", set())
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
        assert desk.only.problem == "What arrives does not fit its hashes"


async def test_a_new_generation_does_not_inherit_the_pauses_of_false_data(alice: Home, bob: Home) -> None:
    path = fill(alice.drop / "x", 700_000)
    async with seeding(alice, path) as sender, receiving_at(bob) as desk:
        _spoil(path)
        await put(desk, alice, bob, sender.seal(bob))
        pauses = desk.queue._retries._pauses
        await wait_until(lambda: bool(pauses), seconds=60)
        await put(desk, alice, bob, sender.seal(bob, generation=2), "y")
        assert not pauses
