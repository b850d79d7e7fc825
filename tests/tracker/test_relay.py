"""The relay: what libtorrent announces to, on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.swarm.conftest import (
    StartEngine,
    start_engine,  # noqa: F401 (a fixture)
)
from tests.swarm.shares import Share, at, completed, make_share
from tests.tracker.announces import BOB, CAROL, FAILED, WIRE, Desk, member, named, open_desk, query
from tests.tracker.conftest import StartServer
from tests.tracker.trackers import answering, http_answer
from tests.waiting import wait_until
from tuishare.errors import BadInput, SystemFailed
from tuishare.net.local_machine import mark_port
from tuishare.swarm import TrackerFailed
from tuishare.torrents import InfoHash
from tuishare.tracker import PeerAnnounced, Relay, SeedAddress, Tracker, TrackerCertificate
from tuishare.tracker.tracker_client import TrackerClient, TrackerTarget

PIN = b"p" * 32
FILM = InfoHash(WIRE.hex())


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """One MiB in a TLS swarm."""
    return make_share(tmp_path / "alice")


def _https(port: int, passkey: bytes = BOB) -> str:
    return f"https://127.0.0.1:{port}/announce/{passkey.hex()}"


async def _get(client: aiohttp.ClientSession, local: str, said: str) -> bytes:
    async with client.get(URL(f"{local}?{said}", encoded=True)) as answer:
        assert answer.status == 200
        return await answer.read()


@asynccontextmanager
async def _relayed(
    start_server: StartServer, certificate: TrackerCertificate
) -> AsyncIterator[tuple[Relay, Desk, str]]:
    """A relay, a tracker that hears of Bob through it, and the local URL that he announces to."""
    desk = open_desk()
    server = await start_server(desk.tracker)
    async with Relay() as relay:
        yield relay, desk, relay.local(_https(server.ports["https"]), certificate.pin)


async def test_an_announce_goes_through_and_the_answer_comes_back(
    start_server: StartServer, client: aiohttp.ClientSession, certificate: TrackerCertificate
) -> None:
    desk = open_desk()
    server = await start_server(desk.tracker)
    async with Relay() as relay:
        local = relay.local(_https(server.ports["https"]), certificate.pin)
        assert named(await _get(client, local, query(left=5))) == {"192.0.2.1:50007"}
        foreign = relay.local(_https(server.ports["https"], b"x" * 32), certificate.pin)
        assert await _get(client, foreign, query()) == FAILED
    assert desk.heard[0].left == 5


async def test_that_nothing_is_missing_is_held_back_until_it_is_confirmed(
    start_server: StartServer, client: aiohttp.ClientSession, certificate: TrackerCertificate
) -> None:
    async with _relayed(start_server, certificate) as (relay, desk, local):
        relay.withhold_completion(local, FILM)
        await _get(client, local, query(left=10, event="started"))
        await _get(client, local, query(left=0, event="completed"))
        await _get(client, local, query(left=0, event="stopped"))
        relay.confirm(local, FILM)
    told = [(said.left, said.event) for said in desk.heard]
    assert told == [(10, "started"), (1, ""), (1, "stopped"), (0, "completed")]


async def test_what_is_held_back_of_one_torrent_is_told_of_others(client: aiohttp.ClientSession) -> None:
    """A tracker that somebody names himself may be one for all that is shared."""
    async with answering(http_answer(b"de")) as tracker, Relay() as relay:
        local = relay.local(f"http://127.0.0.1:{tracker.port}/announce")
        relay.withhold_completion(local, InfoHash("ab" * 32))
        assert await _get(client, local, query(left=0)) == b"de"
        assert b"left=0" in tracker.text


async def test_what_was_confirmed_or_never_held_back_passes(
    start_server: StartServer, client: aiohttp.ClientSession, certificate: TrackerCertificate
) -> None:
    async with _relayed(start_server, certificate) as (relay, desk, local):
        await _get(client, local, query(left=0, event="completed"))
        relay.withhold_completion(local, FILM)
        relay.confirm(local, FILM)  # it has asked nothing since: nothing is told in its name
        await _get(client, local, query(left=0, event="stopped"))
        relay.withhold_completion(local, FILM)
        relay.forget(local)
        relay.confirm(local, FILM)
    assert [(said.left, said.event) for said in desk.heard] == [(0, "completed"), (0, "stopped")]


@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
async def test_what_is_confirmed_while_an_announce_is_on_its_way_is_told_after_it(
    *,
    ends: bool,
    start_server: StartServer,
    client: aiohttp.ClientSession,
    certificate: TrackerCertificate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_its_way, passing, ask = asyncio.Event(), asyncio.Event(), TrackerClient.ask

    async def ask_slowly(self: TrackerClient, target: TrackerTarget, query: str, user_agent: str) -> bytes:
        if "event=started" in query:
            on_its_way.set()
            await passing.wait()
        return await ask(self, target, query, user_agent)

    monkeypatch.setattr(TrackerClient, "ask", ask_slowly)
    async with _relayed(start_server, certificate) as (relay, desk, local):
        relay.withhold_completion(local, FILM)
        first = asyncio.create_task(_get(client, local, query(left=10, event="started")))
        await asyncio.wait_for(on_its_way.wait(), 10)
        relay.confirm(local, FILM)
        if ends:
            first.cancel()
        else:
            passing.set()
            await first
            await wait_until(lambda: len(desk.heard) == 3)
    assert (desk.heard[-1].left, desk.heard[-1].event) == (0, "completed")


@pytest.mark.parametrize("trouble", ["away", "refuses"])
async def test_a_tracker_that_is_away_hears_it_when_it_is_back(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("tuishare.tracker.relay._PAUSES", (0.05,) * 100)
    asked: list[str] = []

    async def ask(self: TrackerClient, target: TrackerTarget, query: str, user_agent: str) -> bytes:
        asked.append(query)
        if len(asked) < 4 and trouble == "away":
            raise SystemFailed("The tracker cannot be reached")
        return FAILED if len(asked) < 4 else b"de"

    monkeypatch.setattr(TrackerClient, "ask", ask)
    async with Relay() as relay:
        local = relay.local("http://127.0.0.1:7/announce")
        relay.withhold_completion(local, FILM)
        await _get(client, local, query(left=10, event="started"))
        relay.confirm(local, FILM)
        await wait_until(lambda: not relay._completions)
    assert ["event=completed" in query for query in asked] == [False, True, True, True]


async def test_what_was_not_told_yet_is_tried_once_more_at_the_end(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def ask(self: TrackerClient, target: TrackerTarget, query: str, user_agent: str) -> bytes:
        asked.append(query)
        raise SystemFailed("The tracker cannot be reached")

    monkeypatch.setattr(TrackerClient, "ask", ask)
    async with asyncio.timeout(2), Relay() as relay:
        local = relay.local("http://127.0.0.1:7/announce")
        relay.withhold_completion(local, FILM)
        await _get(client, local, query(left=10, event="started"))
        relay.confirm(local, FILM)
        await wait_until(lambda: len(asked) == 2)
    assert len(asked) == 3


async def test_a_tracker_that_does_not_answer_is_waited_for_no_longer_than_it_may(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.tracker.relay._COMPLETION_SECONDS", 0.05)
    async with answering(http_answer(b"de")) as tracker, asyncio.timeout(2), Relay() as relay:
        local = relay.local(f"http://127.0.0.1:{tracker.port}/announce")
        relay.withhold_completion(local, FILM)
        assert await _get(client, local, query(left=0)) == b"de"
        tracker.silent = True
        relay.confirm(local, FILM)


async def test_local_urls_are_on_loopback_and_tell_nothing() -> None:
    async with Relay() as relay:
        url = "https://tracker.example.org/announce/" + BOB.hex()
        local = relay.local(url, PIN)
        assert relay.local(url, PIN) == local
        assert relay.local(url) != local
        assert local.startswith("http://127.0.0.1:")
        assert URL(local).path.startswith("/announce/")
        assert BOB.hex() not in local
        assert BOB.hex() not in repr(vars(relay))


async def test_only_known_tokens_are_passed_on(client: aiohttp.ClientSession) -> None:
    async with answering(http_answer(b"de")) as tracker, Relay() as relay:
        local = relay.local(f"http://127.0.0.1:{tracker.port}/announce")
        relay.forget(local)
        relay.forget(local)
        known = relay.local(f"http://127.0.0.1:{tracker.port}/announce")
        for url in (
            f"{local}?a",
            f"{known}x?a",
            known,
            known.replace("announce", "scrape") + "?a",
            f"{known}/a?b",
        ):
            async with client.get(url) as answer:
                assert answer.status == 404
        async with client.post(f"{known}?a") as answer:
            assert answer.status == 404
        assert tracker.connections == 0
        assert await _get(client, known, "a") == b"de"


@pytest.mark.parametrize(
    ("url", "pin"),
    [
        ("udp://tracker.example.org:1/announce", None),
        ("ftp://tracker.example.org/announce", None),
        ("https://tracker.example.org/announce#x", None),
        ("https://", None),
        ("http://tracker.example.org/announce", PIN),
        ("https://tracker.example.org/announce", b"short"),
    ],
)
async def test_what_cannot_be_asked_is_refused(url: str, pin: bytes | None) -> None:
    async with Relay() as relay:
        with pytest.raises(BadInput):
            relay.local(url, pin)


async def test_what_goes_wrong_is_a_reason_that_clients_show(
    client: aiohttp.ClientSession, certificate: TrackerCertificate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with answering(http_answer(b"de"), certificate.context) as tracker, Relay() as relay:
        answer = await _get(client, relay.local(_https(tracker.port), PIN), query())
        reason = b"55:The tracker's key is not the one that the sender signed"
        # Where it is not told when to ask again, libtorrent was seen to be silent for more than five minutes.
        assert answer == b"d14:failure reason" + reason + b"8:intervali20ee"
    assert tracker.text == b""
    assert BOB.hex() not in caplog.text


async def test_a_reason_that_quotes_the_url_is_shown_without_the_passkey(
    client: aiohttp.ClientSession,
) -> None:
    reason = b"unknown passkey " + BOB.hex().encode()
    refusal = b"d14:failure reason%d:%be" % (len(reason), reason)
    async with answering(http_answer(refusal, "403 Forbidden")) as tracker, Relay() as relay:
        local = relay.local(f"http://127.0.0.1:{tracker.port}/announce/{BOB.hex()}")
        answer = await _get(client, local, query())
    assert b"unknown passkey" in answer
    assert BOB.hex().encode() not in answer


async def test_closing_does_not_wait_for_trackers(client: aiohttp.ClientSession) -> None:
    async with answering(b"") as tracker:
        async with asyncio.timeout(10), Relay() as relay:
            asking = asyncio.create_task(_get(client, relay.local(f"http://127.0.0.1:{tracker.port}/a"), "a"))
            await wait_until(lambda: bool(tracker.text))
        with pytest.raises(aiohttp.ClientError):
            await asking


async def test_members_of_a_tls_swarm_find_each_other_through_it(
    start_server: StartServer,
    start_engine: StartEngine,  # noqa: F811
    share: Share,
    certificate: TrackerCertificate,
    tmp_path: Path,
) -> None:
    """Bob knows nobody but the tracker, Carol finds Bob when the sender is away."""
    heard: list[PeerAnnounced] = []
    tracker = Tracker(heard.append)
    server = await start_server(tracker)
    alice, bob, carol = [await start_engine() for _ in range(3)]
    await alice.add(share.seeding())
    seed = SeedAddress(ip_address("127.0.0.1"), at(alice).port)
    members = {member(BOB): "bob", member(CAROL): "carol"}
    tracker.admit("film", members, (share.info_hash,), (seed,))
    async with Relay() as his, Relay() as hers:
        for engine, relay, name, passkey in ((bob, his, "bob", BOB), (carol, hers, "carol", CAROL)):
            local = relay.local(_https(server.ports["https"], passkey), certificate.pin)
            await completed(
                engine, replace(share.downloading(tmp_path / name), announce=((local,),)), seconds=20
            )
            await wait_until(lambda: heard[-1].event == "completed")
            await alice.remove(share.info_hash) if name == "bob" else None
    assert {presence.user for presence in tracker.swarm_of("film")} == {"bob", "carol"}
    for name in ("bob", "carol"):
        assert (tmp_path / name / "payload.bin").read_bytes() == share.data
    assert {(said.user, said.event, said.left) for said in heard} >= {
        ("bob", "started", len(share.data)),
        ("bob", "completed", 0),
        ("carol", "completed", 0),
    }


async def test_an_engine_is_told_why_and_never_the_passkey(
    start_engine: StartEngine,  # noqa: F811
    share: Share,
    certificate: TrackerCertificate,
    tmp_path: Path,
) -> None:
    bob = await start_engine()
    async with answering(http_answer(b"de"), certificate.context) as tracker, Relay() as relay:
        local = relay.local(_https(tracker.port), PIN)
        with bob.subscribe() as events:
            await bob.add(replace(share.downloading(tmp_path / "bob"), announce=((local,),)))
            async with asyncio.timeout(10):
                async for event in events:
                    if isinstance(event, TrackerFailed):
                        break
        assert "not the one that the sender signed" in repr(event)
        assert BOB.hex() not in repr(event)


@pytest.mark.parametrize("judged", [True, False])
async def test_peers_that_a_received_tracker_names_are_judged(
    client: aiohttp.ClientSession, judged: bool
) -> None:
    peers = b"".join(ip_address(host).packed + b"\0\7" for host in ("127.0.0.1", "192.0.2.7", "224.0.0.1"))
    async with answering(http_answer(b"d5:peers18:%be" % peers)) as tracker, Relay() as relay:
        mark = mark_port("127.0.0.1", tracker.port)
        assert mark is not None
        with mark:
            local = relay.local(f"http://127.0.0.1:{tracker.port}/announce", judged=judged)
            said = await _get(client, local, query())
    assert said == (b"d5:peers6:%be" % peers[6:12] if judged else b"d5:peers12:%be" % peers[:12])
