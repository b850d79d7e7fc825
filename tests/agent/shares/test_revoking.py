"""Taking somebody out of a share: whole agents, one of which goes on with all it ever got (threat T10)."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.agent.agent_pairs import rejected, running
from tests.agent.homes import Home, fill, make_home
from tests.agent.shares.test_deliveries import complete, delivery, post
from tests.agent.shares.test_sharing import until
from tests.swarm.outsiders import BLOCK, member_context, take_block
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent
from tuishare.agent.shares import outbox
from tuishare.api.messages import ActivityKind, DeliveryState, DownloadState, ShareState, UserNamed
from tuishare.core.records import DownloadRecord, ShareStep
from tuishare.errors import DiskRefused, NotFound
from tuishare.swarm import Credentials
from tuishare.torrents import InfoHash
from tuishare.tracker.announce import FAILURE

SIZE = 6_000_000


def slow(home: Home, *users: str) -> None:
    """Let a home send one megabyte a second."""
    home.configure(*users, limits={"upload": "1MB"})


def record(agent: Agent) -> DownloadRecord:
    (found,) = agent._inbox.queue.downloads.values()
    return found


def received(agent: Agent) -> int:
    """Payload bytes that came in since the agent started."""
    return sum(progress.downloaded for progress in agent._context.engine.all_progress().values())


async def settled(agent: Agent) -> int:
    """Wait until nothing comes in any more; return what came."""
    counted = -1
    while counted != received(agent):
        counted = received(agent)
        revision = agent.view.changes().revision
        for _ in range(3):  # each refresh of the engine's numbers is one
            revision = await agent.view.changes().wait_for_change(revision)
    return counted


async def ask_tracker(former: DownloadRecord) -> bytes:
    """Announce with a passkey as any program would, wherever the tracker can be reached from here."""
    (tracker,) = {tracker for tracker in former.trackers if "127.0.0.1" in tracker.url}
    info_hash = "".join(f"%{byte:02x}" for byte in bytes.fromhex(former.info_hash)[:20])
    query = f"info_hash={info_hash}&peer_id={'b' * 20}&port=7&uploaded=0&downloaded=0&left=7&compact=1"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{tracker.url}?{query}", ssl=False) as answer,
    ):
        connection = answer.connection
        assert connection is None or connection.transport is not None
        return await answer.read()


async def test_who_is_revoked_gets_nothing_more_and_everybody_else_finishes(
    alice: Home, bob: Home, carol: Home
) -> None:
    slow(alice, "bob", "carol")
    path = fill(alice.drop / "x", SIZE)
    async with running(alice) as sender, running(bob) as out, running(carol) as staying:
        share = await until(sender, "x", ShareState.SEEDING)
        for home in (bob, carol):
            post(alice, home)
        await wait_until(lambda: min(received(out), received(staying)) > 500_000, seconds=15.0)
        former = record(out)
        assert b"peers" in await ask_tracker(former)

        began = time.monotonic()
        await sender._drops.commands.revoke(share.id, "bob")
        assert await ask_tracker(former) == FAILURE
        assert time.monotonic() - began < 1
        await until(sender, "x", ShareState.SEEDING, 2)
        engine = sender._context.engine

        async def connected() -> int:
            return len(await engine.peers(InfoHash(former.info_hash)))

        assert await connected() == 0
        assert time.monotonic() - began < 5

        post(alice, carol)
        await wait_until(lambda: record(staying).generation == 2)
        # From here on nobody has the authority that bob's certificate is of.
        had = await settled(out)
        await complete(staying)
        assert (carol.downloads / "alice" / "x").read_bytes() == path.read_bytes()
        assert received(out) == had < SIZE
        assert await connected() <= 1
        await wait_until(lambda: delivery(sender, "carol").state is DeliveryState.COMPLETE)
        assert delivery(sender, "bob").state is DeliveryState.REVOKED
        assert sender.view.shares()[0].recipients == ("carol",)
        told = {event.kind: event.detail for event in await sender.service.activity(20)}
        assert ActivityKind.REVOKED in told
        assert told[ActivityKind.RENEWED] == "for carol"


async def test_a_crash_right_after_the_decision_changes_nothing(alice: Home, bob: Home, carol: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as sender:
        share = await until(sender, "x", ShareState.SEEDING)
        repository = sender._drops.repository
        before = repository.get(share.id)
        await repository.deliveries.revoke(before, "bob")
    async with running(alice) as sender:
        await until(sender, "x", ShareState.SEEDING, 2)
        after = sender._drops.repository.get(share.id)
        assert after.root_certificate != before.root_certificate
        assert (after.kind, after.info_hash) == ("renew", before.info_hash)
        assert set(sender._drops.repository.deliveries.passkeys(share.id).values()) == {"carol"}
        assert after.secret != before.secret
    async with running(alice) as sender:
        assert (await until(sender, "x", ShareState.SEEDING, 2)).generation == 2


def refuse(_path: Path, _data: bytes, **_more: object) -> None:
    raise DiskRefused("Cannot write it: no space left on device", full=True)


async def test_a_share_whose_envelope_cannot_be_written_serves_nobody_who_was_taken_out(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came back with the authority that it had, and is worked on for as long as the outbox takes nothing."""
    alice.configure("bob", "carol", limits={"upload": "300kB"})
    path, away = fill(alice.drop / "x", SIZE), alice.drop.with_name("away")
    async with running(alice) as sender, running(bob) as out:
        share = await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await wait_until(lambda: received(out) > 100_000)
        path.rename(away)
        await until(sender, "x", ShareState.WITHDRAWN)
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "publish", refuse)
            away.rename(path)
            await wait_until(lambda: bool(sender._context.outbox_retry.problems))
            before = received(out)
            await wait_until(lambda: received(out) > before, seconds=20)
            await sender.service.revoke_from_share(share.id, UserNamed(name="bob"))
            assert await ask_tracker(record(out)) == FAILURE
            had = await settled(out)
            await wait_until(lambda: sender._drops.repository.get(share.id).generation == 3)
            await wait_until(lambda: bool(sender._context.engine.all_progress()))
            for _ in range(3):  # tries to come back with the ticket that it has
                assert await settled(out) == had < SIZE
        await until(sender, "x", ShareState.SEEDING, 3)
        assert received(out) == had


async def test_neither_a_full_disk_nor_another_command_holds_the_cut_up(
    alice: Home, bob: Home, carol: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.configure("bob", "carol", limits={"upload": "300kB"})
    fill(alice.drop / "other")
    async with running(alice) as sender, running(bob) as out:
        other = await until(sender, "other", ShareState.SEEDING)
        (alice.outbox / "other.torrent.encrypted").unlink()
        fill(alice.drop / "x", SIZE)
        share = await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await wait_until(lambda: received(out) > 100_000)

        async def full(_work: object) -> None:
            raise DiskRefused("Cannot write the database: no space left on device", full=True)

        with monkeypatch.context() as patch:
            patch.setattr(sender._context.store, "run", full)
            pausing = asyncio.create_task(sender._drops.commands.pause(other.id))
            await sender._context.store.disk_retry.refused()
            assert sender._drops.repository.lock.locked()
            with pytest.raises(DiskRefused):
                await sender.service.revoke_from_share(share.id, UserNamed(name="bob"))
            assert await ask_tracker(record(out)) == FAILURE
            had = await settled(out)
            assert not sender._context.engine.all_progress()
            assert await settled(out) == had < SIZE
        await pausing
        await wait_until(lambda: sender._drops.repository.get(share.id).sealed == 2)
        assert sender._drops.repository.deliveries.revoked(share.id) == {"bob"}


async def test_whoever_is_out_stays_out_of_what_follows(alice: Home, bob: Home, carol: Home) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as sender:
        share = await until(sender, "x", ShareState.SEEDING)
        await sender._drops.commands.revoke(share.id, "bob")
        await until(sender, "x", ShareState.SEEDING, 2)
        await sender._drops.commands.revoke(share.id, "bob")
        fill(path, 70_000)
        await until(sender, "x", ShareState.SEEDING, 3)
        assert sender._drops.repository.get(share.id).kind == "share"
        assert set(sender._drops.repository.deliveries.passkeys(share.id).values()) == {"carol"}
        assert delivery(sender, "bob").state is DeliveryState.REVOKED


async def test_everywhere_means_every_share_and_no_others(alice: Home, bob: Home, carol: Home) -> None:
    for name in ("x", "y"):
        fill(alice.drop / name)
    async with running(alice) as sender:
        shares = [await until(sender, name, ShareState.SEEDING) for name in ("x", "y")]
        with pytest.raises(NotFound):
            await sender._drops.commands.revoke_everywhere("dan")
        with pytest.raises(NotFound):
            await sender._drops.commands.revoke(shares[0].id, "dan")
        await sender._drops.commands.revoke_everywhere("bob")
        for share in shares:
            await until(sender, share.name, ShareState.SEEDING, 2)
            rows = {row.user: row.revoked for row in sender._drops.repository.deliveries.of(share.id)}
            assert rows["bob"] > 0 == rows["carol"]


async def test_a_paused_share_stays_paused(alice: Home, bob: Home, carol: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as sender:
        share = await until(sender, "x", ShareState.SEEDING)
        await sender._drops.commands.pause(share.id)
        await sender._drops.commands.revoke(share.id, "bob")
        repository = sender._drops.repository
        await wait_until(lambda: repository.get(share.id).step is ShareStep.SEEDING)
        assert repository.get(share.id).sealed == 2
        assert not sender._context.engine.all_progress()


async def test_nothing_that_he_kept_is_good_for_anything(
    alice: Home, bob: Home, carol: Home, tmp_path: Path
) -> None:
    """His certificate, his TLS session, his envelope put in again, and a copy of the renewal that is not for him."""
    fill(alice.drop / "x", 300_000)
    async with running(alice) as sender, running(bob) as out, running(carol) as staying:
        share = await until(sender, "x", ShareState.SEEDING)
        old = (alice.outbox / "x.torrent.encrypted").read_bytes()
        for home in (bob, carol):
            post(alice, home)
        await complete(out)
        await complete(staying)
        former, port = record(out), sender._context.engine.listening["tls"]
        ticket = Credentials(former.root_certificate, former.leaf_certificate, former.leaf_key)
        context = member_context(ticket, tmp_path)
        context.minimum_version = context.maximum_version = (
            ssl.TLSVersion.TLSv1_2
        )  # tells its session at once
        before = await asyncio.to_thread(take_block, port, former.info_hash, context)
        assert len(before.payload) == BLOCK

        await sender._drops.commands.revoke(share.id, "bob")
        await until(sender, "x", ShareState.SEEDING, 2)
        for session in (None, before.session):
            loot = await asyncio.to_thread(take_block, port, former.info_hash, context, session)
            assert (loot.payload, loot.resumed) == (b"", False)
        (bob.inbox / "old.torrent.encrypted").write_bytes(old)
        assert "received before" in await rejected(bob, "old.torrent.encrypted")
        post(alice, bob)
        await wait_until(lambda: list(out._inbox.locked) == ["x.torrent.encrypted"])
        assert record(out) == former


async def test_on_another_machine_his_envelope_opens_and_brings_nothing(
    root: Path, alice: Home, bob: Home, carol: Home
) -> None:
    fill(alice.drop / "x", 300_000)
    async with running(alice) as sender:
        share = await until(sender, "x", ShareState.SEEDING)
        old = alice.outbox / "x.torrent.encrypted"
        elsewhere = replace(make_home(root, "elsewhere"), identity=bob.identity)
        shutil.copy(bob.places.identity_file, elsewhere.places.identity_file)
        elsewhere.know(alice.user())
        elsewhere.receive(old)
        await sender._drops.commands.revoke(share.id, "bob")
        await until(sender, "x", ShareState.SEEDING, 2)
        async with running(elsewhere) as out:
            await wait_until(
                lambda: [item.state for item in out.view.downloads()] == [DownloadState.DOWNLOADING]
            )
            post(alice, carol)
            async with running(carol) as staying:  # by then he has tried, too
                await complete(staying)
            assert await settled(out) == 0
            assert await ask_tracker(record(out)) == FAILURE
            assert delivery(sender, "bob").state is DeliveryState.REVOKED


async def test_a_sender_who_has_moved_is_found_again_with_new_tickets(alice: Home, bob: Home) -> None:
    """Its envelope named the ports of then; those of now stand in the renewal, also for half a download."""
    fill(alice.drop / "x", 300_000)
    async with running(alice) as sender:
        share = await until(sender, "x", ShareState.SEEDING)
    async with running(alice) as sender, running(bob) as pipeline:
        await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await wait_until(
            lambda: [item.state for item in pipeline.view.downloads()] == [DownloadState.DOWNLOADING]
        )
        assert str(sender._context.engine.listening["tls"]) not in "".join(record(pipeline).contacts)
        await sender._drops.commands.reissue(share.id)
        await until(sender, "x", ShareState.SEEDING, 2)
        post(alice, bob)
        await complete(pipeline)
        assert record(pipeline).generation == 2
