"""Contacts are called again while nobody answers."""

from __future__ import annotations

import errno
import math
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import tuishare.swarm.connector as dialling_module
from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed
from tests.tracker.trackers import answering
from tests.waiting import wait_until
from tuishare.swarm import ContactRefused, Endpoint, TorrentSpec
from tuishare.swarm.connector import PeerConnector
from tuishare.swarm.ports import free_port
from tuishare.swarm.torrent_table import TorrentTable


async def test_a_torrent_that_is_gone_is_not_dialled(share: Share) -> None:
    connector = PeerConnector(TorrentTable(), lambda _: None, names=True)
    await connector.connect_peers(share.info_hash)


async def test_a_name_that_resolves_later_is_tried_again(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await start_engine()
    await alice.add(share.seeding())
    calls = []

    async def resolve(contacts: object) -> tuple[Endpoint, ...]:
        calls.append(contacts)
        return (at(alice),) if len(calls) > 2 else ()

    monkeypatch.setattr(dialling_module, "resolve", resolve)
    monkeypatch.setattr(dialling_module, "REDIAL", 0.05)
    bob = await start_engine()
    await bob.add(share.downloading(tmp_path / "bob", Endpoint("alice.example", 50007)))
    await wait_until(lambda: bob.progress(share.info_hash).state == "seeding")
    assert len(calls) > 2


def received(share: Share, into: Path, *contacts: Endpoint) -> TorrentSpec:
    return replace(share.downloading(into), received=contacts)


async def test_what_somebody_else_names_on_this_machine_is_called_where_an_engine_listens(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice = await start_engine()
    await alice.add(share.seeding())
    async with answering(b"") as stranger:
        bob = await start_engine()
        trap = Endpoint("127.0.0.1", stranger.port)
        await completed(bob, received(share, tmp_path / "bob", trap, at(alice)))
        assert stranger.connections == 0


async def test_a_sender_on_this_machine_who_comes_later_is_found(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling_module, "LOOK", 0.05)
    monkeypatch.setattr(dialling_module, "REDIAL", 3_600.0)
    bob, port = await start_engine(), free_port()
    await bob.add(received(share, tmp_path / "bob", Endpoint("127.0.0.1", port)))
    member = bob._table.get(share.info_hash)
    await wait_until(lambda: bool(member.absent) and member.lacks_peers)
    alice = await start_engine(listen_tls=f"127.0.0.1:{port}")
    await alice.add(share.seeding())
    await wait_until(lambda: bob.progress(share.info_hash).state == "seeding")
    assert member.absent == set()


async def test_what_is_never_called_is_told_once(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    bob = await start_engine()
    contacts = [Endpoint("169.254.169.254", 80), Endpoint("224.0.0.1", 7), Endpoint("127.0.0.1", 22)]
    with bob.subscribe() as events:
        info_hash = await bob.add(received(share, tmp_path / "bob", *contacts))
        await wait_until(lambda: len(bob._table.get(info_hash).refused) == 2)
        for _ in range(3):
            await bob._connector.connect_peers(info_hash)
    told = [event for event in events._backlog.values() if isinstance(event, ContactRefused)]
    assert [(event.contact, event.reason) for event in told] == [
        ("169.254.169.254:80", "is link-local"),
        ("224.0.0.1:7", "is multicast"),
    ]


async def test_while_the_system_does_not_tell_its_addresses_nobody_is_called(
    start_engine: StartEngine, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    tell = psutil.net_if_addrs

    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(psutil, "net_if_addrs", fail)
    info_hash = await bob.add(received(share, tmp_path / "bob", at(alice)))
    await bob._connector.connect_peers(info_hash)
    assert bob.progress(info_hash).peers == 0
    monkeypatch.setattr(psutil, "net_if_addrs", tell)
    await bob._connector.connect_peers(info_hash)
    await wait_until(lambda: bob.progress(info_hash).state == "seeding")


async def test_no_peer_is_at_an_address_that_cannot_be_one(start_engine: StartEngine) -> None:
    blocked = (await start_engine())._native.get_ip_filter()
    for host in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"):
        assert blocked.access(host), host
    for host in ("127.0.0.1", "169.254.1.1", "192.0.2.7", "::1", "fe80::1", "2001:db8::1"):
        assert not blocked.access(host), host


@pytest.mark.parametrize("is_direct", [True, False])
async def test_a_hub_is_called_only_where_no_one_answers_directly(
    start_engine: StartEngine,
    share: Share,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_direct: bool,
) -> None:
    monkeypatch.setattr(dialling_module, "LOOK", 0.05)
    monkeypatch.setattr(dialling_module, "DIRECT_SECONDS", 0.3)
    alice = await start_engine()
    await alice.add(share.seeding())
    bob = await start_engine()
    by_hub = Endpoint("127.0.0.1", at(alice).port)
    direct = (at(alice),) if is_direct else ()
    spec = replace(share.downloading(tmp_path / "bob"), received=direct, fallback=(by_hub,))
    since = time.monotonic()
    await completed(bob, spec)
    assert (time.monotonic() - since > 0.3) is not is_direct
    assert math.isinf(bob._table.get(share.info_hash).fell_back) is is_direct
