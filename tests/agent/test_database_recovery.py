"""A database that is damaged, as a whole agent meets it."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from pathlib import Path

import pytest

from tests.agent.agent_pairs import rejected, running, shown
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tuishare.agent import database_recovery
from tuishare.agent.daemon import Agent
from tuishare.api.messages import DownloadState, NewShare, ShareAction, ShareState
from tuishare.config.model import load_config
from tuishare.core.clock import wall_clock
from tuishare.core.database import Database
from tuishare.core.introduction_queries import find_known_cards
from tuishare.core.introduction_records import KnownCard
from tuishare.envelope import CardKey, open_envelope
from tuishare.errors import SystemFailed

ENVELOPE = "x.torrent.encrypted"


def overwrite(path: Path, start: int = 0, size: int = 100) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(size))


def asides(home: Home) -> list[str]:
    return [name for name in os.listdir(home.places.state) if ".damaged-" in name and name.count("-") == 1]


def require_reported(agent: Agent, home: Home) -> None:
    (problem,) = agent.view.status().problems
    (aside,) = asides(home)
    assert (problem.title, aside in problem.detail) == ("Database was damaged", True)
    assert problem.hint


async def test_shares_come_back_as_the_next_generation_of_themselves(alice: Home, bob: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        before = await until(agent, "x", ShareState.SEEDING)
    overwrite(alice.places.store_file)
    async with running(alice) as agent:
        require_reported(agent, alice)
        after = await until(agent, "x", ShareState.SEEDING)
        assert (after.id, after.generation, after.recipients) == (before.id, 2, ("bob",))
        assert os.listdir(alice.outbox) == [ENVELOPE]
        opened = open_envelope((alice.outbox / ENVELOPE).read_bytes(), [CardKey(bob.identity.private_key)])
        assert opened.manifest.generation == 2
    async with running(alice) as agent:
        assert agent.view.status().problems == ()
        assert (await until(agent, "x", ShareState.SEEDING)).generation == 2
    assert len(asides(alice)) == 1


async def test_the_copy_of_an_envelope_that_has_left_the_outbox_is_as_good(alice: Home, bob: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        before = await until(agent, "x", ShareState.SEEDING)
    alice.places.link_outgoing.mkdir(parents=True)
    (alice.outbox / ENVELOPE).rename(alice.places.link_outgoing / ("ab" * 32))
    overwrite(alice.places.store_file)
    async with running(alice) as agent:
        after = await until(agent, "x", ShareState.SEEDING)
        assert (after.id, after.generation) == (before.id, 2)
        assert os.listdir(alice.outbox) == [ENVELOPE]


async def test_without_the_envelope_it_is_a_new_share(alice: Home, bob: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        before = await until(agent, "x", ShareState.SEEDING)
    (alice.outbox / ENVELOPE).unlink()
    overwrite(alice.places.store_file)
    async with running(alice) as agent:
        after = await until(agent, "x", ShareState.SEEDING)
        assert (after.id != before.id, after.generation) == (True, 1)


async def test_an_envelope_that_somebody_else_made_is_nobodys_share(alice: Home, bob: Home) -> None:
    """Only our own fingerprint makes a share ours, whoever wrote into the outbox."""
    fill(bob.drop / "x")
    async with running(bob) as agent:
        theirs = await until(agent, "x", ShareState.SEEDING)
    (bob.outbox / ENVELOPE).rename(alice.outbox / ENVELOPE)
    async with running(alice):
        pass
    fill(alice.drop / "x")
    overwrite(alice.places.store_file)
    async with running(alice) as agent:
        assert (await until(agent, "x", ShareState.SEEDING)).id != theirs.id


async def deliver(alice: Home, bob: Home) -> bytes:
    """Bring a file to Bob; return its envelope."""
    fill(alice.drop / "x")
    async with running(alice) as a, running(bob) as b:
        await until(a, "x", ShareState.SEEDING)
        data = (alice.outbox / ENVELOPE).read_bytes()
        bob.receive(alice.outbox / ENVELOPE)
        await shown(b, DownloadState.COMPLETE)
    return data


@pytest.mark.parametrize("known_by", ["the ledger", "the accepted envelopes"])
async def test_what_was_received_is_still_refused_as_a_replay(alice: Home, bob: Home, known_by: str) -> None:
    """T5"""
    data = await deliver(alice, bob)
    if known_by == "the ledger":
        (bob.inbox / "accepted" / ENVELOPE).unlink()
        damage_shares(bob.places.store_file)
    else:
        overwrite(bob.places.store_file)
    async with running(bob) as agent:
        require_reported(agent, bob)
        (bob.inbox / ENVELOPE).write_bytes(data)
        assert "received before" in await rejected(bob, ENVELOPE)
    assert os.listdir(bob.downloads / "alice") == ["x"]


def damage_shares(path: Path) -> None:
    """Overwrite the first page of the shares, which is one of many."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'shares'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    overwrite(path, (page - 1) * size)


async def test_a_download_under_way_begins_again(alice: Home, bob: Home) -> None:
    """Its generation is in the ledger already, but nothing of it was delivered."""
    path = fill(alice.drop / "x")
    async with running(alice) as sender:
        share = await until(sender, "x", ShareState.SEEDING)
        await sender.service.order_share(share.id, ShareAction.PAUSE)
        bob.receive(alice.outbox / ENVELOPE)
        async with running(bob) as agent:
            await shown(agent, DownloadState.DOWNLOADING)
        damage_shares(bob.places.store_file)
        await sender.service.order_share(share.id, ShareAction.RESUME)
        async with running(bob) as agent:
            require_reported(agent, bob)
            await shown(agent, DownloadState.COMPLETE)
    assert (bob.downloads / "alice" / "x").read_bytes() == path.read_bytes()


async def test_a_value_that_no_record_can_hold_is_no_damage_of_the_database(alice: Home, bob: Home) -> None:
    async with running(alice):
        pass
    with sqlite3.connect(alice.places.store_file) as connection:
        names = [column[0] for column in connection.execute("SELECT * FROM downloads").description]
        values = [b"?" if name in BLOBS else 0 if name in NUMBERS else "?" for name in names]
        connection.execute(f"INSERT INTO downloads VALUES ({', '.join('?' * len(names))})", values)
    connection.close()
    async with running(alice) as agent:
        assert (agent.view.status().problems, asides(alice)) == ((), [])
        (download,) = agent.view.downloads()
        assert (download.state, "is damaged" in download.detail) == (DownloadState.PROBLEM, True)


BLOBS = {"signer", "root_certificate", "leaf_certificate", "leaf_key", "envelope_hash"}
NUMBERS = {
    "added",
    "generation",
    "size",
    "files",
    "paused",
    "completed",
    "not_after",
    "cost",
    "entries",
    "weight",
}


async def test_a_share_made_by_command_is_not_made_up(alice: Home, bob: Home) -> None:
    path = fill(alice.places.files / "x")
    async with running(alice) as agent:
        await agent.service.share(NewShare(path=str(path), recipients=("bob",)))
        await until(agent, "x", ShareState.SEEDING)
    overwrite(alice.places.store_file)
    async with running(alice) as agent:
        assert agent.view.shares() == []
        assert "outside drop folders" in agent.view.status().problems[0].hint


def test_what_is_left_of_the_damaged_one_is_never_taken_for_the_new_one(alice: Home) -> None:
    """A write-ahead log without its database would be applied to whatever has that name."""
    store = alice.places.store_file
    Database(store).close()
    overwrite(store)
    wal = Path(f"{store}-wal")
    wal.write_bytes(b"old")
    aside = database_recovery._Recovery(alice.places, load_config(alice.places), alice.identity).replace(
        wall_clock()
    )
    assert (Path(f"{aside}-wal").read_bytes(), wal.exists()) == (b"old", False)
    Database(store).close()


def test_who_was_removed_is_remembered(alice: Home) -> None:
    """T16: an introduction would bring them back."""
    store = alice.places.store_file
    removed, known = KnownCard(b"r" * 32, "carol", 5), KnownCard(b"k" * 32, "dan")
    with contextlib.closing(Database(store)) as database:
        database.save(removed, known)
    damage_shares(store)
    assert database_recovery.ensure_intact(
        alice.places, load_config(alice.places), alice.identity, wall_clock()
    )
    with contextlib.closing(Database(store)) as database:
        assert find_known_cards(database) == [known, removed]


def test_a_crash_before_the_end_leaves_the_damaged_one(alice: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    store = alice.places.store_file
    Database(store).close()
    overwrite(store)
    damaged = store.read_bytes()
    config = load_config(alice.places)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _no_space)
        with pytest.raises(SystemFailed):
            database_recovery.ensure_intact(alice.places, config, alice.identity, wall_clock())
    assert store.read_bytes() == damaged
    assert database_recovery.ensure_intact(alice.places, config, alice.identity, wall_clock()) is not None
    assert database_recovery.ensure_intact(alice.places, config, alice.identity, wall_clock()) is None


def _no_space(_path: Path, _target: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
