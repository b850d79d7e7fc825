"""The tracker on real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from ipaddress import ip_address, ip_network

import aiohttp
import pytest
from yarl import URL

from tests.tracker.announces import BOB, CAROL, FAILED, SHARE, SWARM, member, named, open_desk, query
from tests.tracker.conftest import StartServer
from tuishare.errors import SystemFailed
from tuishare.tracker import TrackerLimits, TrackerServer

KEY = b"\xab" * 32


def _url(
    server: TrackerServer, passkey: bytes, said: str, *, scheme: str = "http", host: str = "127.0.0.1"
) -> URL:
    port = {str(key): port for key, port in server.ports.items()}[scheme]
    return URL(f"{scheme}://{host}:{port}/announce/{passkey.hex()}?{said}", encoded=True)


async def _get(client: aiohttp.ClientSession, url: URL, **headers: str) -> bytes:
    async with client.get(url, headers=headers) as answer:
        assert answer.status == 200
        return await answer.read()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_members_are_answered(
    start_server: StartServer, client: aiohttp.ClientSession, scheme: str
) -> None:
    desk = open_desk()
    server = await start_server(desk.tracker)
    assert named(await _get(client, _url(server, BOB, query(), scheme=scheme))) == {"192.0.2.1:50007"}
    assert desk.heard[0].host == "127.0.0.1"


async def test_a_peer_on_ipv6_gets_both_families(
    start_server: StartServer, client: aiohttp.ClientSession
) -> None:
    desk = open_desk()
    server = await start_server(desk.tracker, http=("", 0))
    await _get(client, _url(server, BOB, query()))
    answer = await _get(client, _url(server, CAROL, query("carol", port=7), host="[::1]"))
    assert named(answer) == {"192.0.2.1:50007", "127.0.0.1:6881"}
    assert "::1:7" in named(await _get(client, _url(server, BOB, query())))


async def test_all_refusals_are_the_same_bytes(
    start_server: StartServer, client: aiohttp.ClientSession
) -> None:
    desk = open_desk()
    desk.tracker.revoke(SHARE, "carol")
    desk.tracker.admit("songs", {member(KEY): "dave"}, (SWARM,))
    server = await start_server(desk.tracker)
    assert await _get(client, _url(server, KEY, query())) != FAILED
    desk.heard.clear()
    base = _url(server, BOB, "").with_path("/announce")
    refusals = [
        await _get(client, url)
        for url in (
            _url(server, CAROL, query()),
            _url(server, b"x" * 32, query()),
            _url(server, b"short", query()),
            _url(server, BOB, query(info_hash=b"x" * 20)),
            _url(server, BOB, query(port=-1)),
            _url(server, BOB, ""),
            base,
            base / "zz",
            URL(f"{base}/{KEY.hex().upper()}?{query()}", encoded=True),
        )
    ]
    assert set(refusals) == {FAILED}
    assert desk.heard == []


@pytest.mark.parametrize(
    "path", ["/scrape", f"/scrape/{BOB.hex()}", "/", "/announcement", f"/announce/{BOB.hex()}/scrape"]
)
async def test_there_is_nothing_else(
    start_server: StartServer, client: aiohttp.ClientSession, path: str
) -> None:
    server = await start_server(open_desk().tracker)
    async with client.get(f"http://127.0.0.1:{server.ports['http']}{path}") as answer:
        assert (answer.status, await answer.read()) == (404, b"")


async def test_only_get_is_answered(start_server: StartServer, client: aiohttp.ClientSession) -> None:
    desk = open_desk()
    server = await start_server(desk.tracker)
    for method in ("POST", "HEAD", "PUT"):
        async with client.request(method, _url(server, BOB, query())) as answer:
            assert answer.status == 404
    async with client.get(_url(server, BOB, query()), data=b"x") as answer:
        assert answer.status == 404
    assert desk.heard == []


@pytest.mark.parametrize(
    ("trusted", "host"), [((), "127.0.0.1"), ((ip_network("127.0.0.0/8"),), "198.51.100.7")]
)
async def test_proxy_headers_count_only_where_configured(
    start_server: StartServer, client: aiohttp.ClientSession, trusted: tuple[object, ...], host: str
) -> None:
    desk = open_desk()
    server = await start_server(desk.tracker, trusted_proxies=trusted)
    await _get(client, _url(server, BOB, query()), **{"X-Forwarded-For": "192.0.2.66, 198.51.100.7"})
    assert desk.heard[0].host == host


async def test_who_comes_by_hub_counts_with_the_address_of_the_caller(
    start_server: StartServer, client: aiohttp.ClientSession
) -> None:
    desk, origin = open_desk(), ip_address("203.0.113.7")
    server = await start_server(desk.tracker, origin_of=lambda _: origin)
    for scheme in ("http", "https"):
        await _get(client, _url(server, BOB, query(), scheme=scheme))
    assert {heard.host for heard in desk.heard} == {"203.0.113.7"}
    assert server._slots.counts[4, 32, int(origin)] >= 1


async def test_nothing_secret_is_logged(
    start_server: StartServer, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await start_server(open_desk().tracker)
    for said in (query(), query(port=-1), query() + "&x=%00%0d%0a"):
        await _get(client, _url(server, BOB, said))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.ports["http"])
    writer.write(b"GET /announce/" + BOB.hex().encode() + b"?\x00 HTTP/1.1\r\n\r\n")
    await reader.read()
    writer.close()
    assert BOB.hex() not in caplog.text


async def test_when_one_port_is_taken_none_is_open(start_server: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with pytest.raises(SystemFailed):
            await start_server(open_desk().tracker, https=("127.0.0.1", port), http=taken.getsockname()[:2])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def _hammer(server: TrackerServer, times: int, disclosed: list[bytes], host: str) -> int:
    """Ask with passkeys that are none, on as few connections as the tracker lets us; return how often it answered."""
    answered = 0
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=20, local_addr=(host, 0))
    ) as client:

        async def ask(number: int) -> None:
            nonlocal answered
            try:
                said = await _get(client, _url(server, number.to_bytes(32), query("mallory")))
            except aiohttp.ClientError:
                return
            answered += 1
            if said != FAILED:
                disclosed.append(said)

        for start in range(0, times, 100):
            await asyncio.gather(*(ask(number) for number in range(start, start + 100)))
    return answered


async def _keep_asking(server: TrackerServer, host: str, stop: asyncio.Event) -> int:
    """Ask as a member, in a new connection each time."""
    asked = 0
    while not stop.is_set():
        connector = aiohttp.TCPConnector(local_addr=(host, 0))
        async with aiohttp.ClientSession(connector=connector) as client:
            assert "192.0.2.1:50007" in named(await _get(client, _url(server, BOB, query())))
        asked += 1
        await asyncio.sleep(0.02)
    return asked


async def test_guessing_gives_nothing_and_harms_nobody(start_server: StartServer) -> None:
    """The members ask from elsewhere, and from the very address of who guesses."""
    desk = open_desk(TrackerLimits(member_burst=10_000))
    server = await start_server(desk.tracker)
    stop, disclosed = asyncio.Event(), list[bytes]()
    members = [asyncio.create_task(_keep_asking(server, host, stop)) for host in ("127.0.0.1", "127.0.0.2")]
    answered = await _hammer(server, 2_000, disclosed, "127.0.0.1")
    stop.set()
    assert min(await asyncio.gather(*members)) > 0
    assert disclosed == []
    assert answered < 100
    assert {presence.user for presence in desk.tracker.swarm_of(SHARE)} == {"bob"}
