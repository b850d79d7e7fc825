"""Shares in memory, on disk, in the outbox and in the swarm."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from tests.agent.homes import Home, fill, opened, share_of
from tests.tracker.announces import named, query
from tuishare.agent.startup import make_share_parts
from tuishare.core.records import RecipientRecord, ShareStep
from tuishare.errors import NotFound, Refused, TuishareError
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.swarm import Engine, TorrentSpec
from tuishare.torrents import InfoHash
from tuishare.tracker import AnnounceRejected


async def test_what_was_saved_is_there_after_a_restart_but_not_what_was_made_by_hand(alice: Home) -> None:
    kept = share_of(fill(alice.drop / "x"))
    by_hand = share_of(fill(alice.drop / "y"), step=ShareStep.MANUAL)
    async with opened(alice) as context:
        await make_share_parts(context).repository.save(kept)
        await context.store.run(lambda database: database.save(by_hand))
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        await repository.load()
        assert dict(repository.shares) == {kept.id: kept}
        assert repository.find(Path(kept.path)) == kept
        assert repository.find(Path(by_hand.path)) is None


async def test_a_share_is_found_where_it_is_now_and_not_where_it_was(alice: Home) -> None:
    share = share_of(fill(alice.drop / "x"))
    other = share_of(fill(alice.drop / "y"))
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        for record in (share, other):
            await repository.save(record)
        moved = await repository.save(replace(share, path=str(alice.drop / "z")))
        assert repository.find(alice.drop / "x") is None
        assert (repository.find(alice.drop / "z"), repository.find(alice.drop / "y")) == (moved, other)
        await repository.remove(moved)
        assert repository.find(alice.drop / "z") is None
        with pytest.raises(NotFound):
            repository.get(share.id)
        assert await context.store.run(lambda database: database.shares()) == [other]


async def test_it_leaves_only_the_swarm_that_it_has_joined(alice: Home) -> None:
    """Another share may have the same content."""
    path = fill(alice.drop / "x")
    share = share_of(path)
    twin = replace(share_of(path), path=str(alice.drop / "twin"))
    assert twin.info_hash == share.info_hash
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        for record in (share, twin):
            await repository.save(record)
        await repository.start_seeding(share)
        with pytest.raises(TuishareError):
            await repository.start_seeding(twin)
        assert (repository.is_seeding(share), repository.is_seeding(twin)) == (True, False)
        await repository.stop_seeding(twin)
        assert set(context.engine.all_progress()) == {share.info_hash}
        await repository.stop_seeding(share)
        await repository.stop_seeding(share)
        assert context.engine.all_progress() == {}


async def test_our_tracker_names_the_addresses_that_we_have_now(alice: Home) -> None:
    """A router may answer long after a share has entered its swarm, and a line gets another address some night."""
    share = share_of(fill(alice.drop / "x"))
    passkey = bytes(range(32))
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        await repository.save(share)
        await repository.deliveries.set_recipients(
            share, [RecipientRecord(share.id, "bob", sha256(passkey).digest())]
        )
        port = context.engine.listening["tls"]
        said = query(info_hash=bytes.fromhex(share.info_hash)[:20])

        def seeds() -> set[str]:
            return named(context.tracker._tracker.answer(passkey, said, ip_address("192.0.2.1")))

        await repository.start_seeding(share)
        before = seeds()
        network = msgspec.structs.replace(context.settings.current.network, public_host="198.51.100.7")
        context.settings.current = msgspec.structs.replace(context.settings.current, network=network)
        assert seeds() == before
        repository.update_addresses()
        assert seeds() == before | {f"198.51.100.7:{port}"}
        await repository.stop_seeding(share)
        repository.update_addresses()
        with pytest.raises(AnnounceRejected):
            seeds()


async def test_what_does_not_enter_its_swarm_is_not_tracked(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = share_of(fill(alice.drop / "x"))
    passkey = bytes(range(32))
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        await repository.save(share)
        await repository.deliveries.set_recipients(
            share, [RecipientRecord(share.id, "bob", sha256(passkey).digest())]
        )

        async def move_and_fail(_: TorrentSpec) -> NoReturn:
            repository.update_addresses()  # for the first time, so that every address is a new one
            raise Refused("no")

        monkeypatch.setattr(context.engine, "add", move_and_fail)
        with pytest.raises(Refused):
            await repository.start_seeding(share)
        with pytest.raises(AnnounceRejected):
            context.tracker._tracker.answer(
                passkey, query(info_hash=bytes.fromhex(share.info_hash)[:20]), ip_address("192.0.2.1")
            )


class HeldAdd:
    """The engine's `add`, which waits until `go_on` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self._add = engine.add
        monkeypatch.setattr(engine, "add", self)

    async def __call__(self, assignment: TorrentSpec) -> InfoHash:
        self.asked.set()
        await self.go_on.wait()
        return await self._add(assignment)


async def test_a_user_who_is_taken_out_keeps_a_share_out_of_its_swarm(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = share_of(fill(alice.drop / "x"))
    async with opened(alice) as context:
        repository, held = make_share_parts(context).repository, HeldAdd(monkeypatch, context.engine)
        held.go_on.set()
        await repository.save(share)
        await repository.deliveries.set_recipients(share, [RecipientRecord(share.id, "bob", bytes(32))])
        repository.deliveries.exclude(share.id, "bob")
        await repository.start_seeding(share)
        assert (repository.is_seeding(share), held.asked.is_set()) == (False, False)


@pytest.mark.parametrize("how", ["exclude", "leave", "cancel"])
async def test_what_happens_while_it_enters_its_swarm_counts_afterwards(
    alice: Home, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    share = share_of(fill(alice.drop / "x"))
    async with opened(alice) as context:
        repository, held = make_share_parts(context).repository, HeldAdd(monkeypatch, context.engine)
        await repository.save(share)
        await repository.deliveries.set_recipients(share, [RecipientRecord(share.id, "bob", bytes(32))])
        entering = asyncio.create_task(repository.start_seeding(share))
        await held.asked.wait()
        match how:
            case "exclude":
                repository.deliveries.exclude(share.id, "bob")
            case "leave":
                await repository.stop_seeding(share)
            case _:
                entering.cancel()
        held.go_on.set()
        await asyncio.wait({entering})
        # Who cancels it finds the share in its swarm, and can leave it.
        there = how == "cancel"
        assert (entering.cancelled(), repository.is_seeding(share)) == (there, there)
        assert set(context.engine.all_progress()) == ({share.info_hash} if there else set())
        await repository.stop_seeding(share)
        assert context.engine.all_progress() == {}


async def test_an_envelope_is_taken_back_if_it_is_still_there(alice: Home) -> None:
    share = share_of(fill(alice.drop / "x"), envelope=f"x{ENVELOPE_SUFFIX}")
    (alice.outbox / share.envelope).write_text("x")
    (alice.outbox / "another").write_text("x")
    async with opened(alice) as context:
        repository = make_share_parts(context).repository
        await repository.remove_envelope(share)
        await repository.remove_envelope(share)
        await repository.remove_envelope(replace(share, envelope=""))
    assert os.listdir(alice.outbox) == ["another"]
