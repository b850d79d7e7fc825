"""The life of an agent, from lock to last resume data."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.waiting import wait_until
from tuishare.agent.daemon import Agent, run_agent
from tuishare.agent.downloads.rejected_files import REJECTED
from tuishare.agent.network.reachability import swarm_contacts
from tuishare.agent.shares.queue import ShareQueue
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadState, ShareState
from tuishare.errors import BadConfiguration, SystemFailed


async def test_a_file_goes_from_drop_to_delivered_and_back_to_others(alice: Home, bob: Home) -> None:
    async with running(alice) as a, running(bob) as b:
        path = fill(alice.drop / "film.mkv", 300_000)
        envelope = alice.outbox / "film.mkv.torrent.encrypted"
        await wait_until(envelope.exists)
        bob.receive(envelope)
        landed = bob.downloads / "alice" / "film.mkv"
        await wait_until(
            lambda: [download.state for download in b.view.downloads()] == [DownloadState.COMPLETE]
        )
        assert landed.read_bytes() == path.read_bytes()
        await wait_until(lambda: a.view.shares()[0].uploaded >= 300_000)
        assert (a.view.shares()[0].state, b.view.status().rate_down) == (ShareState.SEEDING, 0)


async def test_both_ways_at_once(alice: Home, bob: Home) -> None:
    async with running(alice), running(bob):
        pairs = [(alice, bob), (bob, alice)]
        for sender, _ in pairs:
            fill(sender.drop / f"from {sender.name}")
        for sender, recipient in pairs:
            envelope = sender.outbox / f"from {sender.name}.torrent.encrypted"
            await wait_until(envelope.exists)
            recipient.receive(envelope)
        for sender, recipient in pairs:
            landed = recipient.downloads / sender.name / f"from {sender.name}"
            await wait_until(landed.exists)


async def test_the_api_answers_while_it_runs_and_not_after(alice: Home) -> None:
    async with running(alice) as agent, AgentClient(alice.places.socket, silence=5) as client:
        assert (await client.status()).pid == os.getpid()
        assert (await client.status()).listen_tls == agent.view.status().listen_tls
    assert not alice.places.socket.exists()


async def test_a_client_can_end_it(alice: Home) -> None:
    agent = asyncio.create_task(run_agent(alice.places))
    await wait_until(lambda: alice.places.socket.exists() or agent.done())
    async with AgentClient(alice.places.socket, silence=5) as client:
        await client.stop()
    await asyncio.wait_for(agent, 10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(alice: Home, number: signal.Signals) -> None:
    code = (
        "import asyncio, os; from tuishare.agent.daemon import run_agent; from tuishare.home_paths import find_places\n"
        "asyncio.run(run_agent(find_places()))"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = alice.places.files / "notify"
        manager.bind(str(address))
        manager.settimeout(20)
        environment = {**os.environ, "TUISHARE_HOME": str(alice.places.files), "NOTIFY_SOCKET": str(address)}
        with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
            assert manager.recv(100) == b"READY=1"
            process.send_signal(number)
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(20) == 0
    assert not alice.places.socket.exists()


async def test_a_second_agent_of_a_home_is_refused_and_harms_nothing(alice: Home) -> None:
    async with running(alice):
        with pytest.raises(SystemFailed, match="Another agent"):
            async with Agent.running(alice.places):
                pass
        async with AgentClient(alice.places.socket, silence=5) as client:
            assert (await client.status()).name == "alice"
    async with running(alice):
        pass


async def test_a_loop_that_fails_ends_the_agent_loudly(
    alice: Home, bob: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    # Not the work on one entry, which costs that entry alone.
    monkeypatch.setattr(ShareQueue, "run", broken)
    fill(alice.drop / "x")
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await asyncio.wait_for(run_agent(alice.places), 10)
    monkeypatch.undo()
    async with running(alice) as agent:
        await wait_until(lambda: [share.state for share in agent.view.shares()] == [ShareState.SEEDING])


async def test_a_port_in_use_is_said_and_opened_when_it_is_free(
    alice: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.swarm.engine._FIRST_PAUSE", 0.1)
    monkeypatch.setattr("tuishare.agent.network.tracker_service._FIRST_PAUSE", 0.1)
    with socket.socket() as swarms, socket.socket() as trackers:
        for taken in (swarms, trackers):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        port, other = (taken.getsockname()[1] for taken in (swarms, trackers))
        alice.configure(
            network={"listen": f"127.0.0.1:{port}", "share_addresses": False},
            tracker={"listen": f"127.0.0.1:{other}"},
        )
        async with running(alice) as agent:
            status = agent.view.status()
            shown = {problem.title: problem for problem in status.problems}
            assert f"127.0.0.1:{port} is already in use" in shown["No port for swarms"].detail
            assert "tuishare config set network.listen" in shown["No port for swarms"].hint
            assert "tracker.listen" in shown["No port for the tracker"].hint
            assert (status.listen_tls, status.listen_tracker) == (None, None)
            context = agent._context
            assert f"127.0.0.1:{port}" in swarm_contacts(
                context.settings.current.network, context.engine, "tls"
            )
            assert context.tracker.addresses(context.settings.current, context.engine, "tls")
            for taken in (swarms, trackers):
                taken.close()
            await wait_until(lambda: agent.view.status().listen_tls == port)
            await wait_until(lambda: agent.view.status().listen_tracker == other)
            await wait_until(lambda: not agent.view.status().problems)
            with socket.create_connection(("127.0.0.1", port), 5):
                pass


async def test_an_address_that_comes_later(alice: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a VPN; 192.0.2.0/24 belongs to no machine."""
    alice.configure(network={"listen": "192.0.2.77:50007", "share_addresses": False})
    async with running(alice) as agent:
        titles = [problem.title for problem in agent.view.status().problems]
        assert titles == ["No port for swarms"]
        assert swarm_contacts(agent._context.settings.current.network, agent._context.engine, "tls")


@pytest.mark.parametrize("mistake", ["config", "identity"])
async def test_a_home_that_is_not_usable_is_said_and_changed_in_nothing(alice: Home, mistake: str) -> None:
    file = {"config": alice.places.config_file, "identity": alice.places.identity_file}[mistake]
    file.write_bytes(b"nonsense = [" * 100)
    with pytest.raises(BadConfiguration):
        async with Agent.running(alice.places):
            pass
    assert file.read_bytes() == b"nonsense = [" * 100


async def test_an_identity_that_others_can_read_is_refused(alice: Home) -> None:
    """T13"""
    alice.places.identity_file.chmod(0o644)
    with pytest.raises(BadConfiguration):
        async with Agent.running(alice.places):
            pass


async def test_the_folders_are_made_but_never_a_drop_folder(alice: Home, bob: Home) -> None:
    for folder in (alice.inbox, alice.outbox, alice.downloads, alice.drop):
        folder.rmdir()
    async with running(alice):
        assert all(folder.is_dir() for folder in (alice.inbox, alice.outbox, alice.downloads))
        assert not alice.drop.exists()


async def test_what_an_interrupted_write_left_is_swept(alice: Home) -> None:
    (alice.inbox / REJECTED).mkdir()
    left = [folder / ".tuishare-0123.tmp" for folder in (alice.outbox, alice.inbox / REJECTED)]
    for file in left:
        file.write_bytes(b"half")
    async with running(alice):
        assert not any(file.exists() for file in left)


async def test_resume_data_are_saved_at_the_end(alice: Home, bob: Home) -> None:
    async with running(alice):
        fill(alice.drop / "x")
        envelope = alice.outbox / "x.torrent.encrypted"
        await wait_until(envelope.exists)
    data = envelope.read_bytes()
    async with running(bob) as agent:
        (bob.inbox / envelope.name).write_bytes(data)
        live = agent._context.engine.all_progress
        await wait_until(lambda: [progress.state for progress in live().values()] == ["downloading"])
        (info_hash,) = live()
    async with running(bob) as agent:
        assert await agent._context.store.run(lambda database: database.resume_data(info_hash))


async def test_nothing_secret_is_logged(alice: Home, bob: Home, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with running(alice) as a, running(bob):
            fill(alice.drop / "x")
            envelope = alice.outbox / "x.torrent.encrypted"
            await wait_until(envelope.exists)
            bob.receive(envelope)
            await wait_until((bob.downloads / "alice" / "x").exists)
            (share,) = await a._context.store.run(lambda database: database.shares())
    assert share.secret.hex() not in caplog.text
    for home in (alice, bob):
        assert home.places.identity_file.read_text().strip().partition(":")[2] not in caplog.text
