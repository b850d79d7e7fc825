"""An agent and the SSH server that makes it reachable: what it shows, and where it says that it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.agent.network.test_reach_client import Agent, Place
from tests.hub.hubs import free_ports
from tests.link.openssh_servers import missing, openssh_server
from tests.waiting import wait_until
from tuishare.agent.network.reach_client import ReachAddresses, ReachClient
from tuishare.agent.network.ssh_reach import SshReach
from tuishare.config.model import Config, NetworkSettings
from tuishare.link.link_key import load_or_create_link_key
from tuishare.link.ssh_forwarding import authorized_keys_line
from tuishare.swarm.ports import free_port

HOST = "127.0.0.1"


@contextlib.asynccontextmanager
async def connecting(client: ReachClient, network: NetworkSettings, key_file: Path) -> AsyncIterator[None]:
    reach = SshReach(client, Config(network=network), key_file)
    reach.load()
    running = asyncio.create_task(reach.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.skipif(bool(missing()), reason=f"no OpenSSH server: {missing()}")
async def test_it_shows_the_host_key_before_it_logs_in_and_is_reachable_then(tmp_path: Path) -> None:
    agent, key_file, first = Agent(Place()), tmp_path / "reach.key", free_ports(3)
    with openssh_server(tmp_path / "sshd", HOST, free_port()) as server:
        network = NetworkSettings(reach=f"ssh://root@{HOST}:{server.port}", reach_port=first)
        client = agent.client()
        async with connecting(client, network, key_file):
            await wait_until(lambda: client.problem is not None)
            assert client.problem is not None
            assert server.fingerprint in client.problem.detail
            assert agent.addresses.current == ReachAddresses()
        ports = {"link": first, "tracker": first + 1, "swarm": first + 2}
        line = authorized_keys_line(load_or_create_link_key(key_file), ports)  # type: ignore[arg-type]
        server.authorized_keys.write_text(line + "\n")
        confirmed = NetworkSettings(reach=network.reach, reach_port=first, reach_host_key=server.fingerprint)
        async with connecting(client, confirmed, key_file):
            await wait_until(lambda: client.problem is None)
            assert agent.addresses.current == ReachAddresses(
                *(f"{HOST}:{first + place}" for place in range(3))
            )
    async with connecting(client, confirmed, key_file):  # the server is off
        await wait_until(lambda: client.problem is not None)
        assert client.problem is not None
        assert "cannot be reached" in client.problem.detail


async def test_without_a_server_nothing_is_called(tmp_path: Path) -> None:
    reach = SshReach(Agent(Place()).client(), Config(network=NetworkSettings()), tmp_path / "reach.key")
    async with asyncio.timeout(5):
        await reach.run()
    assert not (tmp_path / "reach.key").exists()
