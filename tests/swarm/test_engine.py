"""The engine, with real sessions on loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.swarm.conftest import StartEngine
from tests.swarm.shares import Share, at, completed, connect, make_share
from tests.waiting import wait_until
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.swarm import (
    Completed,
    Endpoint,
    Engine,
    EngineSettings,
    FalseData,
    TorrentSpec,
    create_authority,
)
from tuishare.torrents import bencode


async def _handed_over(start_engine: StartEngine, share: Share, into: Path) -> tuple[Engine, Engine]:
    """Seed with one engine, download with another."""
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    transport = "tls" if share.authority else "plain"
    await completed(bob, share.downloading(into, at(alice, transport)))
    return alice, bob


async def test_tls_delivers_the_same_bytes_without_any_tracker(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    share = make_share(tmp_path / "alice", size=3_000_001)
    await _handed_over(start_engine, share, tmp_path / "bob")
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == share.data


async def test_a_contact_is_reached_within_moments(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    started = time.monotonic()
    await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
    assert time.monotonic() - started < 1.5


async def test_a_contact_by_name_is_reached(start_engine: StartEngine, share: Share, tmp_path: Path) -> None:
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    await completed(bob, share.downloading(tmp_path / "bob", Endpoint("localhost", at(alice).port)))
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == share.data


async def test_a_download_waits_for_a_sender_who_comes_later(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    bob = await start_engine()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with bob.subscribe() as events:
        await bob.add(share.downloading(tmp_path / "bob", Endpoint("127.0.0.1", port)))
        await wait_until(lambda: bob.progress(share.info_hash).state == "downloading")
        alice = await start_engine(listen_tls=f"127.0.0.1:{port}")
        await alice.add(share.seeding())
        async with asyncio.timeout(20):
            async for event in events:
                if isinstance(event, Completed):
                    break
    assert bob.progress(share.info_hash).done == len(share.data)


async def test_plain_delivers_too(start_engine: StartEngine, plain_share: Share, tmp_path: Path) -> None:
    await _handed_over(start_engine, plain_share, tmp_path / "bob")
    assert (tmp_path / "bob" / "payload.bin").read_bytes() == plain_share.data


async def test_progress_ends_in_seeding_with_everything(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice, bob = await _handed_over(start_engine, share, tmp_path / "bob")
    await wait_until(lambda: bob.progress(share.info_hash).state == "seeding")
    await wait_until(lambda: alice.progress(share.info_hash).uploaded >= len(share.data))
    assert bob.all_progress()[share.info_hash].done == len(share.data)
    assert bob.progress(share.info_hash).fraction == 1.0


async def test_what_we_hashed_ourselves_seeds_without_being_read(
    start_engine: StartEngine, share: Share
) -> None:
    """The payload file is missing altogether: nobody looks at it before it is asked for."""
    (share.folder / "payload.bin").unlink()
    alice = await start_engine()
    await alice.add(share.seeding())
    await wait_until(lambda: alice.progress(share.info_hash).state == "seeding")
    assert alice.progress(share.info_hash).done == len(share.data)


async def test_a_payload_edited_while_seeding_is_never_accepted_by_the_recipient(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """The engine does not alert; whoever owns the files must. The recipient does, and reports the peer."""
    alice, bob = await start_engine(), await start_engine()
    await alice.add(share.seeding())
    (share.folder / "payload.bin").write_bytes(bytes(len(share.data)))
    with bob.subscribe() as events:
        await bob.add(share.downloading(tmp_path / "bob", at(alice)))
        async with asyncio.timeout(10):
            async for event in events:
                if type(event).__name__ == "PeerRefused":
                    break
    assert bob.progress(share.info_hash).done == 0
    assert alice.progress(share.info_hash).state == "seeding"


async def test_one_peer_that_sends_false_data_does_not_end_a_download(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    # Its pieces come more slowly than those of the others: three in a row, and the download would be left alone.
    liar, *seeds = [await start_engine(upload_limit=limit) for limit in (40_000, 300_000, 300_000)]
    for number, seed in enumerate((liar, *seeds)):
        folder = tmp_path / f"seed{number}"
        folder.mkdir()
        (folder / "payload.bin").write_bytes(share.data if number else bytes(len(share.data)))
        await seed.add(replace(share.seeding(), save_path=folder))
    bob = await start_engine()
    with bob.subscribe() as events:
        await bob.add(share.downloading(tmp_path / "bob", *map(at, seeds)))
        await wait_until(lambda: bob.progress(share.info_hash).done > 0)
        connect(bob, share.info_hash, at(liar))
        await wait_until(lambda: bob.progress(share.info_hash).done == len(share.data), seconds=60)
        await bob.remove(share.info_hash)
        await bob.close()
        assert FalseData(share.info_hash) not in [event async for event in events]


async def test_limits_hold_on_this_machine_too(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    alice, bob = await start_engine(upload_limit=500_000), await start_engine()
    await alice.add(share.seeding())
    started = time.monotonic()
    await completed(bob, share.downloading(tmp_path / "bob", at(alice)))
    assert time.monotonic() - started > 1.0


async def test_limits_may_change_at_any_time(start_engine: StartEngine, share: Share, tmp_path: Path) -> None:
    alice, bob = await start_engine(upload_limit=10_000), await start_engine()
    await alice.add(share.seeding())
    await bob.add(share.downloading(tmp_path / "bob", at(alice)))
    await wait_until(lambda: bob.progress(share.info_hash).downloaded > 0)
    assert bob.progress(share.info_hash).done < len(share.data)  # all of it would take 100 s
    alice.apply(upload_limit=0, download_limit=0)
    await wait_until(lambda: bob.progress(share.info_hash).done == len(share.data))


async def test_a_persons_own_file_is_never_repaired(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    """Edited while it is seeded, found out by a check, with a peer at hand that has the old pieces."""
    alice, bob = await _handed_over(start_engine, share, tmp_path / "bob")
    edited = bytes(len(share.data))
    (share.folder / "payload.bin").write_bytes(edited)
    alice._table.handle(share.info_hash).force_recheck()
    await wait_until(lambda: alice.progress(share.info_hash).state == "downloading")
    connect(alice, share.info_hash, at(bob))
    await wait_until(lambda: alice.progress(share.info_hash).peers > 0)
    with pytest.raises(TimeoutError):
        await wait_until(lambda: alice.progress(share.info_hash).done > 0, seconds=1.5)
    await alice.flush(share.info_hash)
    assert (share.folder / "payload.bin").read_bytes() == edited


async def test_pause_ends_connections(start_engine: StartEngine, share: Share, tmp_path: Path) -> None:
    alice, bob = await _handed_over(start_engine, share, tmp_path / "bob")
    await bob.pause(share.info_hash)
    await wait_until(lambda: bob.progress(share.info_hash).state == "paused")
    await wait_until(lambda: alice.progress(share.info_hash).peers == 0)


async def test_remove_keeps_the_payload_and_allows_adding_again(
    start_engine: StartEngine, share: Share
) -> None:
    alice = await start_engine()
    await alice.add(share.seeding())
    await alice.remove(share.info_hash)
    assert (share.folder / "payload.bin").read_bytes() == share.data
    with pytest.raises(NotFound):
        alice.progress(share.info_hash)
    await alice.add(share.seeding())


async def test_a_torrent_is_added_once(start_engine: StartEngine, share: Share) -> None:
    alice = await start_engine()
    results = await asyncio.gather(
        alice.add(share.seeding()), alice.add(share.seeding()), return_exceptions=True
    )
    assert {type(result) for result in results} == {str, BadInput}


async def test_an_add_that_is_cancelled_leaves_nothing(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    bob = await start_engine()
    task = asyncio.create_task(bob.add(share.downloading(tmp_path / "bob")))
    while not bob.all_progress():  # noqa: ASYNC110 - each turn of the loop counts here
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await wait_until(lambda: bob.all_progress() == {})
    await bob.add(share.downloading(tmp_path / "bob"))


async def test_a_transport_without_a_port_is_refused(start_engine: StartEngine, share: Share) -> None:
    engine = await start_engine(listen_tls=None)
    with pytest.raises(SystemFailed, match="for tls swarms") as caught:
        await engine.add(share.seeding())
    assert caught.value.hint == "Set network.listen."


async def test_an_expired_ticket_is_refused_before_anybody_is_called(
    start_engine: StartEngine, share: Share
) -> None:
    engine = await start_engine()
    then = datetime.now(UTC) - timedelta(days=10)
    authority = create_authority(then)
    late = replace(
        share.seeding(), credentials=authority.admit(authority.issue(then, lifetime=timedelta(days=5)))
    )
    with pytest.raises(Refused, match="expired on"):
        await engine.add(late)
    assert engine.all_progress() == {}


async def test_a_port_in_use_is_one_sentence(share: Share) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemFailed) as caught:
            await Engine.start(EngineSettings(listen_tls=f"127.0.0.1:{port}"))
    assert caught.value.detail == f"127.0.0.1:{port} is already in use"
    assert caught.value.hint


async def test_every_address_of_the_machine_has_the_same_port(
    start_engine: StartEngine, share: Share
) -> None:
    engine = await start_engine(listen_tls=":0")
    with socket.create_connection(("127.0.0.1", engine.listening["tls"]), 5):
        pass


async def test_nothing_received_is_executable(start_engine: StartEngine, tmp_path: Path) -> None:
    """A torrent by somebody else's program, whose attributes (BEP 47) ask for an executable file."""
    share = _executable(make_share(tmp_path / "alice", size=100_000, tls=False))
    await _handed_over(start_engine, share, tmp_path / "bob")
    assert (tmp_path / "bob" / "payload.bin").stat().st_mode & 0o111 == 0


def _executable(share: Share) -> Share:
    torrent = share.torrent.replace(b"4:info" + b"d", b"4:info" + b"d4:attr1:x", 1)
    return replace(share, torrent=torrent)


async def test_close_ends_the_events_and_says_what_there_is(
    start_engine: StartEngine, share: Share, tmp_path: Path
) -> None:
    _, bob = await _handed_over(start_engine, share, tmp_path / "bob")
    events = bob.subscribe()
    started = time.monotonic()
    saved = await bob.close()
    assert time.monotonic() - started < 2
    assert list(saved) == [share.info_hash]
    assert [event async for event in events if isinstance(event, Completed)] == []
    assert await bob.close() == {}
    with pytest.raises(NotFound):
        await bob.pause(share.info_hash)


async def test_close_is_quick_although_a_tracker_hangs(start_engine: StartEngine, share: Share) -> None:
    alice = await start_engine()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.setblocking(False)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/announce"
        await alice.add(replace(share.seeding(), announce=((url,),)))
        connection, _ = await asyncio.get_running_loop().sock_accept(silent)
        started = time.monotonic()
        with connection:
            await alice.close()
    assert time.monotonic() - started < 3


async def test_only_what_the_assignment_names_is_contacted(
    start_engine: StartEngine, plain_share: Share
) -> None:
    """Trackers, web seeds and nodes inside the torrent are ignored."""
    fields = bencode.decode(plain_share.torrent)
    assert isinstance(fields, dict)
    fields[b"announce"] = b"http://127.0.0.1:9/announce"
    fields[b"url-list"] = b"http://127.0.0.1:9/"
    fields[b"nodes"] = [[b"127.0.0.1", 9]]
    torrent = bencode.encode(fields)
    alice = await start_engine()
    info_hash = await alice.add(TorrentSpec(torrent, plain_share.folder, "plain", None, complete=True))
    handle = alice._table.handle(info_hash)
    assert handle.trackers() == []
    assert handle.url_seeds() == []
