"""The delivery board, as whole agents fill it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill, introduce, opened, share_of
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.daemon import Agent
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.startup import make_share_parts
from tuishare.api.messages import ActivityKind, Delivery, DeliveryState, Download, DownloadState, ShareState
from tuishare.core.records import RecipientRecord, ShareRecord
from tuishare.people import User
from tuishare.swarm import Peer, Progress
from tuishare.torrents import InfoHash
from tuishare.tracker import PeerAnnounced


def delivery(agent: Agent, user: str = "bob") -> Delivery:
    (share,) = agent.view.shares()
    (found,) = (row for row in share.deliveries if row.user == user)
    return found


def post(sender: Home, pipeline: Home) -> None:
    """Bring what lies in the outbox to the inbox, the way a person would."""
    for envelope in sender.outbox.iterdir():
        shutil.copy(envelope, pipeline.inbox / f".{envelope.name}")
        (pipeline.inbox / f".{envelope.name}").rename(pipeline.inbox / envelope.name)


async def complete(agent: Agent) -> Download:
    await wait_until(lambda: [item.state for item in agent.view.downloads()] == [DownloadState.COMPLETE])
    (download,) = agent.view.downloads()
    return download


async def test_the_sender_sees_how_far_a_recipient_is(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    fill(alice.drop / "x", 300_000)
    async with running(alice) as sender, running(bob) as pipeline:
        await until(sender, "x", ShareState.SEEDING)
        before = delivery(sender)
        assert (before.state, before.progress, before.left) == (DeliveryState.NOT_OPENED, 0.0, 300_000)
        assert before.sealed
        post(alice, bob)
        await complete(pipeline)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        after = delivery(sender)
        assert (after.progress, after.left) == (1.0, 0)
        assert before.sealed <= after.opened <= after.completed <= after.seen
        newest, *_ = await sender.service.activity(10)
        assert (newest.kind, newest.subject) == (ActivityKind.DELIVERED, "x")
    async with running(alice) as sender:
        kept = delivery(sender)
        assert kept.seen >= after.seen  # bob said good-bye
        assert msgspec.structs.replace(kept, seen=after.seen) == after


async def test_the_old_envelope_of_a_changed_share_says_nothing_about_the_new(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    path: Path = fill(alice.drop / "x", 300_000)
    async with running(alice) as sender, running(bob) as pipeline:
        await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await complete(pipeline)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        fill(path, 200_000)
        await until(sender, "x", ShareState.SEEDING, 2)
        assert (delivery(sender).state, delivery(sender).left) == (DeliveryState.NOT_OPENED, 200_000)


async def test_what_everybody_has_is_served_no_longer_if_that_is_the_rule(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    alice.configure("bob", sharing={"until": "everybody"})
    fill(alice.drop / "x")
    async with running(alice) as sender, running(bob) as pipeline:
        share = await until(sender, "x", ShareState.SEEDING)
        commands = sender._drops.commands
        await commands.stop_finished()
        assert [each.state for each in sender.view.shares()] == [ShareState.SEEDING]
        post(alice, bob)
        await complete(pipeline)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        await commands.stop_finished()
        assert [each.state for each in sender.view.shares()] == [ShareState.PAUSED]
        await commands.resume(share.id)
        await commands.stop_finished()
        await until(sender, "x", ShareState.SEEDING)


async def test_usually_what_everybody_has_is_served_on(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    fill(alice.drop / "x")
    async with running(alice) as sender, running(bob) as pipeline:
        await until(sender, "x", ShareState.SEEDING)
        post(alice, bob)
        await complete(pipeline)
        await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
        await sender._drops.commands.stop_finished()
        assert [each.state for each in sender.view.shares()] == [ShareState.SEEDING]


async def test_the_sender_sees_a_download_by_hand_too(alice: Home, tmp_path: Path) -> None:
    """That command ends once everything is on disk, and says so before."""
    key = bytes(range(32))
    alice.know(User("bob", key=key))
    alice.configure("bob")
    fill(alice.drop / "x")
    async with running(alice) as sender:
        await until(sender, "x", ShareState.SEEDING)
        command = ["download", "--torrent", str(next(alice.outbox.iterdir())), "--output", str(tmp_path)]
        home = {"TUISHARE_HOME": str(tmp_path / "bob"), "TUISHARE_KEY": key.hex()}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tuishare",
            *command,
            env=os.environ | home,
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0
        assert delivery(sender).state is DeliveryState.COMPLETE


@dataclass
class Board:
    """A board with one share for two people, and what they tell the tracker."""

    deliveries: Deliveries
    context: Context
    share: ShareRecord
    passkeys: dict[str, bytes]

    def tell(
        self, user: str, *, left: int = 7, peer_id: bytes = b"-LT2110-123456789012", host: str = ""
    ) -> None:
        """Announce as that user."""
        info_hash = bytes.fromhex(self.share.info_hash)[:20]
        query = {"info_hash": info_hash, "peer_id": peer_id, "port": 7, "left": left, "event": "started"}
        query |= {"uploaded": 0, "downloaded": 0}
        tracker = self.context.tracker._tracker
        tracker.answer(
            self.passkeys[user], urlencode(query, quote_via=quote), ip_address(host or "192.0.2.1")
        )

    def row(self, user: str) -> RecipientRecord:
        return self.deliveries.find(self.share.id, user)


@pytest.fixture
async def board(alice: Home, tmp_path: Path) -> AsyncIterator[Board]:
    async with opened(alice) as context:
        share = share_of(fill(tmp_path / "x"), size=40_000, files=1)
        passkeys = {user: user.encode().ljust(32) for user in ("bob", "carol")}
        rows = [
            RecipientRecord(share.id, user, sha256(passkey).digest(), sealed=1, remaining=40_000)
            for user, passkey in passkeys.items()
        ]
        deliveries = make_share_parts(context).repository.deliveries
        await deliveries.set_recipients(share, rows)
        context.tracker._events.subscribe(
            PeerAnnounced, lambda announced: deliveries.record_announce(announced, share)
        )
        context.tracker.admit(share, deliveries.passkeys(share.id), ())
        yield Board(deliveries, context, share, passkeys)


def peer(peer_id: bytes, host: str) -> Peer:
    return Peer(host, 7, "x", peer_id, 0.5, 0, 0, 0, 0, "tls", incoming=True)


async def test_nobody_lacks_more_than_there_is_nor_loses_what_he_had(board: Board) -> None:
    board.tell("bob", left=10**15)
    assert board.row("bob").remaining == 40_000
    board.tell("bob", left=0)
    done = board.row("bob")
    assert (done.remaining, done.completed > 0) == (0, True)
    board.tell("bob", left=39_000)  # he may fetch it once more, and had it all the same
    assert (board.row("bob").remaining, board.row("bob").completed) == (0, done.completed)
    assert board.row("carol").opened == 0


async def test_a_peer_is_who_announced_it_and_of_two_who_did_the_one_at_that_address(board: Board) -> None:
    ours = b"-LT2110-123456789012"
    user_of = board.deliveries.user_of
    assert user_of(board.share.id, peer(ours, "192.0.2.1")) == ""
    board.tell("bob", host="192.0.2.1")
    assert user_of(board.share.id, peer(ours, "198.51.100.9")) == "bob"  # he may have several addresses
    board.tell("carol", host="192.0.2.2")  # she says that she is that peer
    assert user_of(board.share.id, peer(ours, "192.0.2.1")) == "bob"
    assert user_of(board.share.id, peer(ours, "198.51.100.9")) == ""
    assert user_of(board.share.id, peer(b"x" * 20, "192.0.2.1")) == ""


async def test_pieces_are_not_yet_a_payload_on_disk(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer has all of them before they are written, and only its own agent knows when they are."""
    bob = replace(peer(b"-LT2110-123456789012", "192.0.2.1"), fraction=1.0)
    board.tell("bob", left=9, peer_id=bob.peer_id)

    async def peers(_: str) -> list[Peer]:
        return [bob]

    monkeypatch.setattr(board.context.engine, "peers", peers)
    await board.deliveries._look_at_peers(board.share)
    assert (board.row("bob").remaining, board.row("bob").completed) == (1, 0)
    board.tell("bob", left=0)
    await board.deliveries._look_at_peers(board.share)
    assert (board.row("bob").remaining, board.row("bob").completed > 0) == (0, True)


async def test_shares_are_not_looked_at_while_no_peer_is_connected(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle agent may have thousands of them."""
    looks: list[Mapping[InfoHash, Progress]] = []
    asked: list[int] = []
    crowded = Progress(InfoHash(board.share.info_hash), "seeding", 1, 1, 1.0, 0, 0, 0, 0, 1, 0)

    def progress() -> Mapping[InfoHash, Progress]:
        looks.append({crowded.info_hash: replace(crowded, peers=int(len(looks) >= 3))})
        return looks[-1]

    def seeding() -> list[ShareRecord]:
        asked.append(len(looks))
        return [board.share]

    monkeypatch.setattr("tuishare.agent.shares.deliveries.LOOK_SECONDS", 0.001)
    monkeypatch.setattr(board.context.engine, "all_progress", progress)
    task = asyncio.create_task(board.deliveries.run(seeding))
    await wait_until(lambda: bool(asked))
    task.cancel()
    assert asked[0] == 4  # the first look at which a peer was there


async def test_what_was_told_survives_a_restart_and_whoever_is_out_is_not_heard(board: Board) -> None:
    board.tell("bob", left=9)
    assert await board.deliveries.revoke(board.share, "bob")
    assert not await board.deliveries.revoke(board.share, "bob")
    board.tell("bob", left=3)
    board.tell("carol", left=5)
    await board.deliveries.save()
    again = make_share_parts(board.context).repository.deliveries
    await again.load({board.share.id})
    assert again.of(board.share.id) == board.deliveries.of(board.share.id)
    assert [row.remaining for row in again.of(board.share.id)] == [9, 5]
    assert again.revoked(board.share.id) == {"bob"}
    assert again.needs_reissue(board.share)
    assert not again.needs_reissue(replace(board.share, generation=2))


async def test_new_tickets_leave_everybody_where_he_is_and_new_content_does_not(board: Board) -> None:
    board.tell("bob", left=9)
    fresh = [
        replace(row, sealed=2, remaining=40_000, opened=0) for row in board.deliveries.of(board.share.id)
    ]
    await board.deliveries.set_recipients(replace(board.share, kind="renew"), fresh)
    assert (board.row("bob").remaining, board.row("bob").sealed) == (9, 2)
    await board.deliveries.set_recipients(board.share, fresh[:1])
    assert board.deliveries.of(board.share.id) == tuple(fresh[:1])


async def test_who_is_taken_out_while_a_share_is_sealed_stays_out(board: Board) -> None:
    """Whatever is written at the same time, and whichever of them came first."""
    sealed = board.deliveries.of(board.share.id)
    for _ in range(20):
        board.tell("bob", left=9)
        board.tell("carol", left=9)
        await asyncio.gather(
            board.deliveries.revoke(board.share, "bob"),
            board.deliveries.save(),
            board.deliveries.set_recipients(replace(board.share, generation=2), sealed),
            board.deliveries.revoke(board.share, "carol"),
        )
        await board.deliveries.set_recipients(replace(board.share, generation=2), sealed)
        again = make_share_parts(board.context).repository.deliveries
        await again.load({board.share.id})
        for deliveries in (board.deliveries, again):
            assert deliveries.revoked(board.share.id) == {"bob", "carol"}
            assert not deliveries.passkeys(board.share.id)
        board.deliveries.forget(board.share.id)
        await board.deliveries.set_recipients(board.share, sealed)


async def test_what_is_told_of_former_content_is_not_saved_with_the_new(board: Board) -> None:
    board.tell("bob", left=0)
    fresh = [replace(row, completed=0, remaining=50_000) for row in board.deliveries.of(board.share.id)]
    await board.deliveries.set_recipients(replace(board.share, generation=2), fresh)
    await board.deliveries.save()
    again = make_share_parts(board.context).repository.deliveries
    await again.load({board.share.id})
    assert again.of(board.share.id) == tuple(fresh)


async def test_everybody_has_it_also_once_nobody_else_is_left(board: Board) -> None:
    board.tell("bob", left=0)
    assert board.deliveries.record_completed() == set()
    await board.deliveries.revoke(board.share, "carol")
    assert board.deliveries.record_completed() == {board.share.id}
    assert board.deliveries.record_completed() == set()
    await board.deliveries.revoke(board.share, "bob")
    assert board.deliveries.record_completed() == set()
