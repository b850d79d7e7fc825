"""Real small disks that fill up under an agent (T16): it stays, says so, and loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running, shown
from tests.agent.disks import full, remount, small_disk
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tests.agent.state.test_store import SHARE
from tests.waiting import wait_until
from tuishare.agent import database_recovery
from tuishare.agent.daemon import Agent, run_agent
from tuishare.agent.database_recovery import ensure_intact
from tuishare.agent.downloads import queue
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.state import disk_retry
from tuishare.api.client import AgentClient
from tuishare.api.messages import ActivityKind, DeliveryState, DownloadState, ShareAction, ShareId, ShareState
from tuishare.config.model import load_config
from tuishare.core.clock import wall_clock
from tuishare.core.database import Database, Generation
from tuishare.envelope import CardKey, open_envelope
from tuishare.errors import DiskRefused, SystemFailed

ENVELOPE = "x.torrent.encrypted"
PROMPT = 5.0
FULL = "The disk is full"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_retry, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(disk_retry, "LONGEST_SECONDS", 0.1)
    monkeypatch.setattr(queue, "FIRST_RETRY_SECONDS", 0.2)
    monkeypatch.setattr(queue, "QUEUE_SECONDS", 0.2)


@pytest.fixture
def state(alice: Home, bob: Home) -> Iterator[Path]:
    """What Alice's database is on."""
    with small_disk(alice.places.state) as disk:
        yield disk


def titles(agent: Agent) -> list[str]:
    return [problem.title for problem in agent.view.status().problems]


def use_up(path: Path) -> None:
    """Let a database need space for the next change: its log is as short as can be."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def test_an_agent_goes_on_serving_and_finishes_when_there_is_space(alice: Home, state: Path) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        share = await until(agent, "x", ShareState.SEEDING)
        use_up(alice.places.store_file)
        with full(state):
            fill(alice.drop / "y")
            await wait_until(lambda: titles(agent) == [FULL])
            assert agent.view.status().problems[0].hint
            assert len(agent._context.engine.all_progress()) == 1
            assert share.id in {other.id for other in agent.view.shares()}
        await until(agent, "y", ShareState.SEEDING)
        assert titles(agent) == []
        assert sorted(one.name for one in agent.view.shares()) == ["x", "y"]
        assert sorted(os.listdir(alice.outbox)) == [ENVELOPE, "y.torrent.encrypted"]
    async with running(alice) as agent:
        assert {(one.name, one.generation) for one in agent.view.shares()} == {("x", 1), ("y", 1)}


async def test_what_changes_meanwhile_is_served_no_longer_and_shared_again(alice: Home, state: Path) -> None:
    path = fill(alice.drop / "x")
    async with running(alice) as agent:
        await until(agent, "x", ShareState.SEEDING)
        use_up(alice.places.store_file)
        with full(state):
            fill(path, 50_000)
            await wait_until(lambda: titles(agent) == [FULL])
            assert agent._context.engine.all_progress() == {}
        await wait_until(
            lambda: [(s.generation, s.state) for s in agent.view.shares()] == [(2, ShareState.SEEDING)]
        )


async def test_orders_are_answered_at_once(alice: Home, state: Path) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent, AgentClient(alice.places.socket, silence=PROMPT) as client:
        share = await until(agent, "x", ShareState.SEEDING)
        # The activity log is saved beside the work: without this, its first entry may meet the full disk, too.
        await wait_until(
            lambda: [entry.kind for entry in agent._context.activity.recent] == [ActivityKind.SHARED]
        )
        use_up(alice.places.store_file)
        with full(state):
            with pytest.raises(SystemFailed, match="will be done once"):
                await client.order_share(share.id, ShareAction.PAUSE)
            with pytest.raises(SystemFailed, match="no space left"):
                await client.order_share(share.id, ShareAction.FORGET)
            assert [problem.title for problem in (await client.status()).problems] == [FULL]
            agent._context.activity.note(ActivityKind.PROBLEM, "x", "y" * 300)
            assert [event.kind for event in await client.activity(10)] == [ActivityKind.SHARED]
            assert agent._context.engine.all_progress() == {}  # it is paused before that is recorded
        await until(agent, "x", ShareState.PAUSED)
        await client.order_share(share.id, ShareAction.RESUME)
        await until(agent, "x", ShareState.SEEDING)


async def test_it_stops_in_order(alice: Home, state: Path) -> None:
    fill(alice.drop / "x")
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(running(alice))
        await until(agent, "x", ShareState.SEEDING)
        use_up(alice.places.store_file)
        with full(state):
            fill(alice.drop / "y")
            await wait_until(lambda: titles(agent) == [FULL])
            async with asyncio.timeout(20):
                await stack.aclose()
    async with running(alice) as agent:
        for name in "xy":
            await until(agent, name, ShareState.SEEDING)


@pytest.mark.parametrize("known", [True, False], ids=["a known home", "a new home"])
async def test_it_starts_without_space_and_begins_when_there_is(
    alice: Home, state: Path, known: bool
) -> None:
    fill(alice.drop / "x")
    if known:
        async with running(alice) as agent:
            await until(agent, "x", ShareState.SEEDING)
    else:
        (alice.places.lock_file).touch()
    with full(state):
        async with running(alice) as agent:
            assert titles(agent) == [FULL]
            async with AgentClient(alice.places.socket, silence=PROMPT) as client:
                assert (await client.status()).problems[0].title == FULL
                with pytest.raises(SystemFailed):
                    await client.order_share(ShareId("ab" * 16), ShareAction.PAUSE)
            (state / ".ballast").write_bytes(b"")  # its blocks are free again
            await until(agent, "x", ShareState.SEEDING)
            assert titles(agent) == []
            assert [share.generation for share in agent.view.shares()] == [1]
    assert [name for name in os.listdir(state) if "damaged" in name] == []


async def test_a_first_start_waits_for_space(
    alice: Home, bob: Home, caplog: pytest.LogCaptureFixture
) -> None:
    for made in (alice.places.identity_file, alice.places.tracker_file):
        made.unlink(missing_ok=True)
    with small_disk(alice.places.config) as disk:
        with full(disk):
            starting = asyncio.create_task(run_agent(alice.places))
            await wait_until(lambda: "waiting for the disk" in caplog.text or starting.done())
            assert not starting.done()
        await wait_until(lambda: alice.places.socket.exists() or starting.done())
        async with AgentClient(alice.places.socket, silence=PROMPT) as client:
            assert (await client.status()).problems == ()
            await client.stop()
        await asyncio.wait_for(starting, 20)
        assert {alice.places.identity_file.name, alice.places.tracker_file.name} <= set(os.listdir(disk))


def test_a_service_manager_hears_that_it_is_ready_and_alive(alice: Home, state: Path) -> None:
    code = (
        "import asyncio; from tuishare.agent.daemon import run_agent; from tuishare.home_paths import find_places\n"
        "asyncio.run(run_agent(find_places()))"
    )
    alice.places.lock_file.touch()
    with full(state), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = alice.places.files / "notify"
        manager.bind(str(address))
        manager.settimeout(20)
        environment = {
            **os.environ,
            "TUISHARE_HOME": str(alice.places.files),
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": "400000",
        }
        with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
            heard = [manager.recv(100) for _ in range(4)]
            assert sorted(set(heard)) == [b"READY=1", b"WATCHDOG=1"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_a_full_disk_is_never_taken_for_damage(alice: Home, state: Path) -> None:
    path = alice.places.store_file
    database = Database(path)
    database.save(SHARE)
    database.close()
    before = path.read_bytes()
    with full(state):
        for refused in (
            lambda: Database(path),
            lambda: ensure_intact(alice.places, load_config(alice.places), alice.identity, wall_clock()),
        ):
            with pytest.raises(DiskRefused) as caught:
                refused()
            assert caught.value.full
    assert path.read_bytes() == before
    assert ensure_intact(alice.places, load_config(alice.places), alice.identity, wall_clock()) is None


def test_a_damaged_database_waits_for_space_with_all_it_knows(alice: Home, state: Path) -> None:
    """Nothing may be set aside unless the new one can be made."""
    path = alice.places.store_file
    Database(path).close()
    path.write_bytes(b"nonsense" * 1000)
    with full(state), pytest.raises(DiskRefused):
        ensure_intact(alice.places, load_config(alice.places), alice.identity, wall_clock())
    assert path.read_bytes() == b"nonsense" * 1000
    assert ensure_intact(alice.places, load_config(alice.places), alice.identity, wall_clock())


def test_a_ledger_that_cannot_be_read_for_want_of_space_is_not_given_up(alice: Home, state: Path) -> None:
    """Its generations would be taken again."""
    path = alice.places.store_file
    database = Database(path)
    database.remember([Generation(b"s", "ab", 5)])
    database.close()
    with full(state), pytest.raises(DiskRefused):
        list(database_recovery._read_ledger(path))
    assert [known.number for known in database_recovery._read_ledger(path)] == [5]


async def test_what_cannot_be_swept_does_not_keep_it_from_starting(alice: Home, bob: Home) -> None:
    with small_disk(alice.outbox) as outbox:
        (outbox / ".tuishare-0123.tmp").write_bytes(b"half")
        remount(outbox, "ro")
        async with running(alice) as agent:
            fill(alice.drop / "x")
            await wait_until(lambda: titles(agent) == ["The disk refuses writes"])
            assert "read-only" in agent.view.status().problems[0].detail
            remount(outbox, "rw")
            await until(agent, "x", ShareState.SEEDING)


def test_a_refused_transaction_leaves_the_database_as_it_was(alice: Home, state: Path) -> None:
    database = Database(alice.places.store_file)
    large = b"x" * 300_000
    with full(state), pytest.raises(sqlite3.OperationalError, match="full"):
        database.save_resume({"aa": large})  # type: ignore[dict-item]
    assert database.resume_data("aa") is None
    database.save_resume({"aa": large})  # type: ignore[dict-item]
    assert database.resume_data("aa") == large
    database.close()


async def test_an_envelope_waits_for_space_in_the_outbox(alice: Home, bob: Home) -> None:
    with small_disk(alice.outbox) as outbox:
        async with running(alice) as agent:
            with full(outbox):
                fill(alice.drop / "x")
                await wait_until(lambda: titles(agent) == [FULL])
                assert str(alice.outbox) in agent.view.status().problems[0].detail
                assert [name for name in os.listdir(outbox) if name.endswith(".encrypted")] == []
            await until(agent, "x", ShareState.SEEDING)
            assert titles(agent) == []
            open_envelope((outbox / ENVELOPE).read_bytes(), [CardKey(bob.identity.private_key)])
            assert sorted(os.listdir(outbox)) == [ENVELOPE]


async def test_a_download_goes_on_by_itself(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = fill(alice.drop / "x", 600_000)
    bob.configure(downloads={"reserve": 1})
    with small_disk(bob.downloads, "4m") as disk:
        async with running(alice) as sender, running(bob) as pipeline:
            await until(sender, "x", ShareState.SEEDING)
            with monkeypatch.context() as patched, full(disk):
                patched.setattr(
                    DownloadFiles, "missing_space", lambda *_, **__: ""
                )  # as if the disk had filled up meanwhile
                bob.receive(alice.outbox / ENVELOPE)
                await shown(pipeline, DownloadState.PROBLEM)
                assert "No space left" in pipeline.view.downloads()[0].detail
                await wait_until(lambda: caplog.text.count("Cannot receive") > 1)
                (on_the_way,) = sender.view.shares()[0].deliveries
                assert (on_the_way.state, on_the_way.left > 0) == (DeliveryState.DOWNLOADING, True)
            await shown(pipeline, DownloadState.COMPLETE)
            await wait_until(lambda: sender.view.shares()[0].deliveries[0].state is DeliveryState.COMPLETE)
            assert (disk / "alice" / "x").read_bytes() == path.read_bytes()
            assert os.listdir(disk / "alice") == ["x"]
            told = [event.kind for event in await pipeline.service.activity(10)]
            assert told == [ActivityKind.RECEIVED, ActivityKind.PROBLEM]  # once, however often it was tried
