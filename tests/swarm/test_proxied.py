"""An engine behind a proxy: everything goes through it, and nothing when it is away."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.proxies import relaying
from tests.swarm.shares import Share, at, completed
from tuishare.net.proxy_settings import Kind, Proxy
from tuishare.swarm import Endpoint
from tuishare.swarm.ports import free_port


async def test_a_tls_swarm_is_joined_through_the_proxy(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice = await start_engine()
    await alice.add(share.seeding())
    async with relaying() as relay:
        bob = await start_engine(proxy=relay.proxy)
        assert bob.listening == {}
        await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
        assert ("127.0.0.1", at(alice).port) in relay.asked
        await bob.remove(share.info_hash)
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == share.data


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_proxy_that_is_away_is_not_gone_around(
    start_engine: StartEngine, plain_share: Share, tmp_path: Path, kind: Kind
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as peer, socket.create_server(("127.0.0.1", 0)) as tracker:
        peer.setblocking(False)
        endpoint = Endpoint("127.0.0.1", peer.getsockname()[1])
        named = Endpoint("localhost", endpoint.port)
        bob = await start_engine(proxy=Proxy(kind, "127.0.0.1", free_port()))
        spec = plain_share.downloading(tmp_path / "bob", endpoint, named)
        relay = f"http://127.0.0.1:{tracker.getsockname()[1]}/announce"
        outside = (f"http://{named}/announce", "udp://192.0.2.7:6969", "http://192.0.2.7/announce")
        await bob.add(replace(spec, announce=(outside, (relay,))))
        tracker.settimeout(20)
        connection, _ = await asyncio.to_thread(tracker.accept)  # a relay on loopback is asked, and directly
        connection.close()
        assert (await bob.privacy_facts(plain_share.info_hash)).trackers == 1
        await bob.remove(plain_share.info_hash)
        await bob.add(replace(spec, announce=(outside,)))
        assert (await bob.privacy_facts(plain_share.info_hash)).trackers == 0
        with pytest.raises(BlockingIOError):
            peer.accept()


async def test_names_are_not_looked_up_around_the_proxy(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lambda host, *_, **__: asked.append(host))
    bob = await start_engine(proxy=Proxy("socks5", "127.0.0.1", free_port()))
    name = Endpoint("somebody.example.org", 1)
    await bob.add(share.downloading(tmp_path / "bob", name))
    await bob._connector.connect_peers(share.info_hash)
    await bob.remove(share.info_hash)
    assert asked == []
