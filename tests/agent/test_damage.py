"""Damage to one entry of what an agent keeps: it starts, says which is damaged, and all others go on.

How many cases are tried, TUISHARE_DAMAGE_CASES says; a long run has thousands.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agent.agent_pairs import running
from tests.agent.damage import FOLDERS, TABLES, VALUES, NotText, columns_of, damage_folder, damage_row
from tests.agent.homes import Home, fill, introduce, is_idle, make_home, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.daemon import Agent
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.live import Live
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.startup import connect_outbox, make_inbox, make_sharing, open_store
from tuishare.agent.state.store import Store
from tuishare.api.messages import Download, DownloadAction, DownloadState, Share, ShareAction, ShareState
from tuishare.config.model import load_config
from tuishare.core.clock import wall_clock
from tuishare.core.home_lock import HomeLock
from tuishare.core.records import DownloadStep, ShareStep
from tuishare.errors import Refused
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.swarm import Engine, EngineSettings

CASES = int(os.environ.get("TUISHARE_DAMAGE_CASES", "40"))
SHARES, DOWNLOADS = ("s1", "s2"), ("d1", "d2", "w1")


@dataclass(repr=False)
class Kept:
    """A home as an agent left it that had shares and downloads, to be damaged and put right again and again."""

    home: Home
    template: Path
    canary: Path

    @property
    def store(self) -> Path:
        return self.home.places.store_file

    def restore(self) -> None:
        """All but the drop folder: a share is known again by the inodes of its files."""
        for name in ("state", "downloads", "inbox", "outbox"):
            shutil.rmtree(self.home.places.files / name)  # a link below it is removed, not followed
            shutil.copytree(self.template / name, self.home.places.files / name, symlinks=True)


def prepare(root: Path) -> Kept:
    alice, bob = make_home(root, "alice"), make_home(root, "bob")
    introduce(alice, bob)
    for name in SHARES:
        fill(alice.drop / name)
    asyncio.run(_use(alice, bob))
    canary = root / "canary"
    canary.mkdir()
    (canary / "precious").write_text("mine")
    template = root / "template"
    shutil.copytree(alice.places.files, template, symlinks=True)
    return Kept(alice, template, canary)


async def _use(alice: Home, bob: Home) -> None:
    """Let Alice's agent share, download what never comes, and ask about an envelope."""
    async with running(alice) as agent:
        for name in DOWNLOADS:
            alice.know(bob.user(verified=name != "w1"))
            data = seal_for(bob, share_of(fill(bob.drop / name)), alice.user())
            (alice.inbox / f"{name}{ENVELOPE_SUFFIX}").write_bytes(data)
            await wait_until(lambda: any(each.name == name for each in agent.view.downloads()), seconds=60.0)  # noqa: B023
        await wait_until(
            lambda: _states(agent.view.shares()) == dict.fromkeys(SHARES, "seeding"), seconds=60.0
        )
    with contextlib.closing(sqlite3.connect(alice.places.store_file)) as connection, connection:
        for (info_hash,) in connection.execute("SELECT info_hash FROM downloads").fetchall():
            connection.execute("INSERT OR IGNORE INTO resume VALUES (?, ?)", (info_hash, b"d4:resumee"))


def _states(entries: Sequence[Share | Download]) -> dict[str, str]:
    return {entry.name: entry.state.value for entry in entries}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return prepare(tmp_path_factory.mktemp("d"))


class Bench:
    """All of a start but sockets and loops, on one engine: what a whole agent does, for a fraction of its time."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.engine = self.runner.run(Engine.start(EngineSettings(listen_tls="127.0.0.1:0", refresh=5.0)))

    def close(self) -> None:
        self.runner.run(self.engine.close())
        self.runner.close()

    def start(self, kept: Kept) -> tuple[Sharing, Inbox]:
        return self.runner.run(self._start(kept))

    async def _start(self, kept: Kept) -> tuple[Sharing, Inbox]:
        home, store = kept.home, Store(kept.store)
        context = Context(
            *(Live(load_config(home.places)), home.places, Live(home.identity)),
            *(store, self.engine),
            lock=HomeLock(home.places.lock_file),
        )
        connect_outbox(context)
        try:
            await open_store(context)
            assert context.problems == ()  # the database as a whole stays
            drops, inbox = make_sharing(context), make_inbox(context)
            await context.activity.load()
            await drops.load()
            await inbox.queue.load()
            working = asyncio.create_task(drops.queue.run())
            await wait_until(lambda: working.done() or is_idle(drops.queue), seconds=30.0)
            assert not working.done()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await drops.commands.withdraw_expired()
            await drops.commands.stop_finished()
            await inbox.queue.seeding.end()
            assert not any(map(drops.reissuer._expires_soon, drops.repository.shares.values()))
            await drops.repository.deliveries.save()
            return drops, inbox
        finally:
            for info_hash in self.engine.all_progress():
                await self.engine.remove(info_hash)
            await store.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def require_others(kept: Kept, drops: Sharing, inbox: Inbox, *, damaged: int = 1) -> None:
    """All but so many entries are as they were, and nobody else's files were touched."""
    seeding = {
        s.name for s in drops.repository.shares.values() if s.step is ShareStep.SEEDING and not s.problem
    }
    steps = {DownloadStep.DOWNLOADING, DownloadStep.WAITING}
    going = {d.name for d in inbox.repository.downloads.values() if d.step in steps}
    assert len(set(SHARES) - seeding) + len(set(DOWNLOADS) - going) <= damaged
    assert os.listdir(kept.canary) == ["precious"]
    for row in (*drops.repository.damaged, *inbox.repository.damaged):
        assert row.fault
    shown = [
        *drops.repository.shares.values(),
        *drops.repository.damaged,
        *inbox.repository.downloads.values(),
        *inbox.repository.damaged,
    ]
    assert len(shown) >= len(SHARES) + len(DOWNLOADS)


@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_one_damaged_row_costs_one_entry(kept: Kept, bench: Bench, data: st.DataObject) -> None:
    kept.restore()
    table = data.draw(st.sampled_from(TABLES))
    column = data.draw(st.sampled_from(columns_of(kept.store, table)))
    value = data.draw(VALUES | st.just(str(kept.canary)))
    damage_row(kept.store, table, data.draw(st.integers(0, 4)), column, value)
    require_others(kept, *bench.start(kept))
    require_others(kept, *bench.start(kept))  # and once more, with what the first start made of it


@settings(max_examples=CASES // 4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(how=st.sampled_from(FOLDERS), which=st.integers(0, 2))
def test_one_damaged_folder_costs_one_download(kept: Kept, bench: Bench, how: str, which: int) -> None:
    kept.restore()
    staged = sorted((kept.home.downloads / INCOMING).iterdir())
    damage_folder(staged[which % len(staged)], how, kept.canary)
    require_others(kept, *bench.start(kept))


@pytest.mark.parametrize("how", FOLDERS)
def test_the_folder_of_all_that_arrives_may_be_anything(kept: Kept, bench: Bench, how: str) -> None:
    kept.restore()
    damage_folder(kept.home.downloads / INCOMING, how, kept.canary)
    drops, _ = bench.start(kept)
    require_others(kept, drops, _, damaged=len(DOWNLOADS))
    assert [share.step for share in drops.repository.shares.values()] == [ShareStep.SEEDING] * 2


def entry(entries: Sequence[Share | Download], detail: str) -> Share | Download:
    (found,) = [each for each in entries if detail in each.detail]
    return found


async def until_others(agent: Agent, shares: set[str], downloads: set[str]) -> None:
    def arrived() -> bool:
        seeding = {s.name for s in agent.view.shares() if s.state is ShareState.SEEDING}
        states = {DownloadState.DOWNLOADING, DownloadState.WAITING}
        return seeding == shares and downloads == {
            d.name for d in agent.view.downloads() if d.state in states
        }

    await wait_until(arrived, seconds=30.0)


async def test_a_damaged_share_is_said_kept_and_forgotten(kept: Kept) -> None:
    """And not shared anew by itself: nobody could tell who was taken out of it."""
    kept.restore()
    damage_row(kept.store, "shares", 0, "step", "?")
    async with running(kept.home) as agent:
        name = damaged_share(kept.store)
        await until_others(agent, set(SHARES) - {name}, set(DOWNLOADS))
        damaged = entry(list(agent.view.shares()), "Its record")
        assert (damaged.name, damaged.state, bool(damaged.hint)) == (name, ShareState.PROBLEM, True)
        for order in (ShareAction.PAUSE, ShareAction.AGAIN, ShareAction.DELETE):
            with pytest.raises(Refused, match="damaged"):
                await agent.service.order_share(damaged.id, order)  # type: ignore[arg-type]
        assert raw_rows(kept.store) == 1
        await agent.service.order_share(damaged.id, ShareAction.FORGET)  # type: ignore[arg-type]
        await until_others(agent, {"s1", "s2"}, set(DOWNLOADS))
        assert raw_rows(kept.store) == 0


async def test_a_damaged_ticket_stops_its_share(kept: Kept) -> None:
    """It may be that of somebody who was taken out."""
    kept.restore()
    damage_row(kept.store, "recipients", 0, "revoked", NotText(b"\xff"))
    async with running(kept.home) as agent:
        await until_others(agent, set(SHARES) - {damaged_share(kept.store)}, set(DOWNLOADS))
        assert len([share for share in agent.view.shares() if "damaged" in share.detail]) == 2


async def test_a_damaged_download_keeps_its_envelope_until_it_is_forgotten(kept: Kept) -> None:
    kept.restore()
    damage_row(kept.store, "downloads", 0, "leaf_key", 5)
    envelope = f"d1{ENVELOPE_SUFFIX}"
    async with running(kept.home) as agent:
        await until_others(agent, set(SHARES), {"d2", "w1"})
        damaged = entry(list(agent.view.downloads()), "Its record")
        assert (damaged.name, damaged.state) == ("d1", DownloadState.PROBLEM)
        assert envelope in os.listdir(kept.home.inbox)
        await agent.service.order_download(damaged.id, DownloadAction.FORGET)  # type: ignore[arg-type]
        await wait_until((kept.home.inbox / "rejected" / envelope).exists)
        assert "Its record" not in "".join(each.detail for each in agent.view.downloads())


def raw_rows(store: Path) -> int:
    with contextlib.closing(sqlite3.connect(store)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM damaged WHERE length(row) > 0").fetchone()
    return int(count)


def damaged_share(store: Path) -> str:
    with contextlib.closing(sqlite3.connect(store)) as connection:
        (name,) = connection.execute("SELECT name FROM damaged WHERE source = 'shares'").fetchone()
    return str(name)


def test_what_is_set_aside_holds_every_byte(kept: Kept) -> None:
    import msgspec

    from tuishare.core.database import Database

    kept.restore()
    damage_row(kept.store, "downloads", 0, "size", 1.5)
    with contextlib.closing(sqlite3.connect(kept.store)) as connection:
        before = connection.execute(
            "SELECT leaf_certificate, leaf_key FROM downloads ORDER BY rowid LIMIT 1"
        ).fetchone()
    with contextlib.closing(Database(kept.store)) as database:
        database.check(int(wall_clock().timestamp()))
        assert [row.name for row in database.damaged("downloads")] == ["d1"]
        assert len(database.downloads()) == 2
    with contextlib.closing(sqlite3.connect(kept.store)) as connection:
        (row,) = connection.execute("SELECT row FROM damaged").fetchone()
    held = msgspec.msgpack.decode(row)
    assert (held["leaf_certificate"][1], held["leaf_key"][1], held["size"]) == (*before, ["real", b"1.5"])
