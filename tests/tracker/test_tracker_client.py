"""How trackers are asked: whoever answers has proved who he is before a word is said (threat T7)."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from tests.swarm.proxies import relaying
from tests.tracker.trackers import answering, http_answer
from tests.waiting import wait_until
from tuishare.errors import Refused, SystemFailed, TuishareError, VerificationFailed
from tuishare.net.local_machine import mark_port
from tuishare.net.proxy_settings import Proxy
from tuishare.swarm.ports import free_port
from tuishare.tracker import TrackerCertificate, load_certificate
from tuishare.tracker.tracker_client import LONGEST_ANSWER, PinMismatch, TrackerClient, TrackerTarget

SECRET = "5ec2e7" * 10
GOOD = http_answer(b"d8:intervali20ee")


def _target(port: int, pin: bytes | None = None, *, more: str = "", host: str = "127.0.0.1") -> TrackerTarget:
    return TrackerTarget(f"http{'s' if pin else ''}://{host}:{port}/announce/{SECRET}{more}", pin)


async def _ask(target: TrackerTarget, query: str = "a=%00%ff+b", proxy: Proxy | None = None) -> bytes:
    async with TrackerClient(proxy) as client:
        return await client.ask(target, query, "client/1")


async def test_the_query_arrives_as_it_was_written(certificate: TrackerCertificate) -> None:
    async with answering(GOOD, certificate.context) as tracker:
        assert await _ask(_target(tracker.port, certificate.pin)) == b"d8:intervali20ee"
    line, *headers = tracker.text.decode().split("\r\n")
    assert line == f"GET /announce/{SECRET}?a=%00%ff+b HTTP/1.1"
    assert [name.partition(":")[0] for name in headers if name] == ["Host", "User-Agent"]


async def test_a_url_with_a_query_gets_a_longer_one() -> None:
    async with answering(GOOD) as tracker:
        await _ask(_target(tracker.port, more="?k=1"))
    assert tracker.text.startswith(f"GET /announce/{SECRET}?k=1&a=%00%ff+b ".encode())


async def test_nothing_is_said_to_somebody_with_another_key(
    certificate: TrackerCertificate, tmp_path: Path
) -> None:
    other = load_certificate(tmp_path / "other.pem")
    async with answering(GOOD, other.context) as stranger:
        with pytest.raises(PinMismatch) as caught:
            await _ask(_target(stranger.port, certificate.pin))
        await stranger.ended.wait()
    assert stranger.text == b""
    assert SECRET not in str(caught.value)


async def test_without_a_pin_the_webs_authorities_decide(certificate: TrackerCertificate) -> None:
    async with answering(GOOD, certificate.context) as tracker:
        url = f"https://127.0.0.1:{tracker.port}/announce/{SECRET}"
        with pytest.raises(VerificationFailed, match="no valid certificate"):
            await _ask(TrackerTarget(url))
    assert tracker.text == b""


@pytest.mark.parametrize("status", ["302 Found", "301 Moved", "307 Temporary", "500 Oops", "404 Gone"])
async def test_no_other_host_or_port_hears_the_passkey(status: str) -> None:
    async with answering(GOOD) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/announce"
        async with answering(http_answer(b"", status, location)) as tracker:
            with pytest.raises(SystemFailed) as caught:
                await _ask(_target(tracker.port))
    redirected = status.startswith("3")
    assert (f"has moved to 127.0.0.1:{elsewhere.port}" if redirected else status[:3]) in caught.value.detail
    assert elsewhere.connections == 0


@asynccontextmanager
async def moved(location: str, times: int = 1) -> AsyncIterator[tuple[int, list[str]]]:
    """Run a tracker that answers the first requests with a redirect; yield its port and the paths it was asked for."""
    asked: list[str] = []

    async def serve(request: web.BaseRequest) -> web.Response:
        asked.append(request.raw_path)
        if len(asked) > times:
            return web.Response(body=b"d8:intervali20ee")
        return web.Response(status=301, headers={"Location": location})

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/new?a=%00%ff+b&n=1", "/new?a=%00%ff+b&n=1"),
        ("/new", "/new?a=%00%ff+b"),
        ("../new", "/new?a=%00%ff+b"),
    ],
)
async def test_a_redirect_on_the_same_host_is_followed(location: str, path: str) -> None:
    async with moved(location) as (port, asked):
        assert await _ask(_target(port)) == b"d8:intervali20ee"
    assert asked == [f"/announce/{SECRET}?a=%00%ff+b", path]


async def test_a_redirect_to_https_is_followed_and_its_certificate_checked(
    certificate: TrackerCertificate,
) -> None:
    async with answering(GOOD, certificate.context) as secure:
        location = f"Location: https://127.0.0.1:{secure.port}/announce/{SECRET}"
        async with answering(http_answer(b"", "301 Moved", location)) as tracker:
            with pytest.raises(VerificationFailed, match="no valid certificate"):
                await _ask(_target(tracker.port))


async def test_a_redirect_from_https_to_http_is_not_followed(certificate: TrackerCertificate) -> None:
    async with answering(GOOD) as plain:
        location = f"Location: http://127.0.0.1:{plain.port}/announce/{SECRET}"
        async with answering(http_answer(b"", "301 Moved", location), certificate.context) as tracker:
            with pytest.raises(SystemFailed, match="has moved to"):
                await _ask(_target(tracker.port, certificate.pin))
    assert plain.connections == 0


async def test_a_received_tracker_is_judged_wherever_it_redirects_to(certificate: TrackerCertificate) -> None:
    async with answering(GOOD, certificate.context) as secure:
        location = f"Location: https://127.0.0.1:{secure.port}/"
        async with answering(http_answer(b"", "301 Moved", location)) as tracker:
            mark = mark_port("127.0.0.1", tracker.port)
            assert mark is not None
            with mark, pytest.raises(Refused, match="not contacted"):
                await _ask(replace(_target(tracker.port), judged=True))
    assert secure.connections == 0


async def test_a_circle_of_redirects_ends() -> None:
    async with moved("/announce", times=9) as (port, asked):
        with pytest.raises(SystemFailed, match="redirects without end"):
            await _ask(_target(port))
    assert len(asked) == 3


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "403 Forbidden", "503 Later"])
async def test_a_reason_counts_with_any_status(status: str) -> None:
    refusal = b"d14:failure reason11:not for youe"
    async with answering(http_answer(refusal, status)) as tracker:
        assert await _ask(_target(tracker.port)) == refusal


@pytest.mark.parametrize("body", [b"<html>", b"", b"d8:intervali20ee", b"d14:failure reasoni7ee"])
async def test_a_status_without_a_reason_is_the_reason(body: bytes) -> None:
    async with answering(http_answer(body, "400 Bad Request")) as tracker:
        with pytest.raises(SystemFailed, match="with status 400"):
            await _ask(_target(tracker.port))


async def test_an_endless_answer_is_cut_off() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n", forever=True) as tracker:
        with pytest.raises(VerificationFailed, match="longer than"):
            await _ask(_target(tracker.port))
        await asyncio.wait_for(tracker.ended.wait(), 5)


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", _raw_deflate),
    ],
)
async def test_a_packed_answer_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    body = b"d8:intervali20ee"
    async with answering(http_answer(pack(body), "200 OK", f"Content-Encoding: {encoding}")) as tracker:
        assert await _ask(_target(tracker.port)) == body


async def test_a_packed_answer_is_bounded() -> None:
    bomb = gzip.compress(bytes(LONGEST_ANSWER * 400))
    async with answering(http_answer(bomb, "200 OK", "Content-Encoding: gzip")) as tracker:
        with pytest.raises(VerificationFailed, match="longer than"):
            await _ask(_target(tracker.port))


async def test_a_damaged_packed_answer() -> None:
    async with answering(http_answer(b"nonsense", "200 OK", "Content-Encoding: gzip")) as tracker:
        with pytest.raises(VerificationFailed, match="damaged"):
            await _ask(_target(tracker.port))


@pytest.mark.parametrize(
    "reply", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nd"]
)
async def test_whatever_goes_wrong_is_told_without_the_passkey(reply: bytes) -> None:
    async with answering(reply) as tracker:
        asking = asyncio.create_task(_ask(_target(tracker.port)))
        await wait_until(lambda: bool(tracker.text))
    with pytest.raises(SystemFailed, match="cannot be reached") as caught:
        await asking
    assert SECRET not in str(caught.value) + caught.value.hint
    assert caught.value.__suppress_context__


async def test_the_proxy_is_gone_through(certificate: TrackerCertificate) -> None:
    async with answering(GOOD, certificate.context) as tracker, relaying() as proxy:
        assert await _ask(_target(tracker.port, certificate.pin), proxy=proxy.proxy) == b"d8:intervali20ee"
        assert proxy.asked == {("127.0.0.1", tracker.port)}


async def test_the_pin_counts_behind_a_proxy_too(certificate: TrackerCertificate) -> None:
    async with answering(GOOD, certificate.context) as tracker, relaying() as proxy:
        with pytest.raises(PinMismatch):
            await _ask(_target(tracker.port, b"x" * 32), proxy=proxy.proxy)
    assert tracker.text == b""


@pytest.mark.parametrize(
    "proxy", [Proxy("socks5", "127.0.0.1", free_port()), Proxy("http", "127.0.0.1", free_port())]
)
async def test_a_proxy_that_is_away_is_not_gone_around(proxy: Proxy) -> None:
    async with answering(GOOD) as tracker:
        with pytest.raises(TuishareError, match="cannot be reached"):
            await _ask(_target(tracker.port), proxy=proxy)
    assert tracker.connections == 0


async def test_an_http_proxy_is_asked_for_a_tunnel() -> None:
    async with answering(b"HTTP/1.1 403 No\r\n\r\n") as proxy:
        with pytest.raises(SystemFailed):
            await _ask(
                _target(443, b"x" * 32, host="tracker.example.org"),
                proxy=Proxy("http", "127.0.0.1", proxy.port, "alice", "pw"),
            )
    assert proxy.text.startswith(b"CONNECT tracker.example.org:443 HTTP/1.1\r\n")
    assert SECRET.encode() not in proxy.text


async def test_a_received_tracker_on_this_machine_is_asked_only_where_a_port_is_marked() -> None:
    async with answering(GOOD) as tracker:
        target = replace(_target(tracker.port), judged=True)
        for host in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"):
            there = replace(target, url=target.url.replace("127.0.0.1", host))
            with pytest.raises(SystemFailed if host == "127.1" else Refused):
                await _ask(there)
        assert tracker.connections == 0
        mark = mark_port("127.0.0.1", tracker.port)
        assert mark is not None
        with mark:
            assert await _ask(target) == b"d8:intervali20ee"


async def test_the_address_that_was_judged_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server may give another answer each time (DNS rebinding)."""
    looks: list[str] = []

    async def look_up(_: object, host: str, port: int, **__: object) -> list[tuple[object, ...]]:
        looks.append(host)
        address = "127.0.0.1" if len(looks) > 1 else "192.0.2.99"
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

    def connect(addr_infos: list[tuple[object, ...]], **_: object) -> None:
        called.extend(info[4] for info in addr_infos)
        raise ConnectionRefusedError

    called: list[object] = []
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", look_up)
    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", connect)
    async with answering(GOOD) as tracker:
        target = TrackerTarget(f"http://alice.example:{tracker.port}/announce", judged=True)
        async with TrackerClient(None) as client:
            with pytest.raises(SystemFailed):
                await client.ask(target, "a", "")
            assert called == [("192.0.2.99", tracker.port)]
    assert looks == ["alice.example"]


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "224.0.0.1", "0.0.0.0", "[fe80::1]", "[::ffff:a9fe:a9fe]"]
)
async def test_a_received_tracker_where_none_can_be_is_not_asked(host: str) -> None:
    with pytest.raises(Refused, match="is not contacted") as caught:
        await _ask(TrackerTarget(f"http://{host}:80/announce/{SECRET}", judged=True))
    assert SECRET not in str(caught.value)


async def test_a_connection_that_was_not_judged_is_not_used_for_one_that_has_to_be() -> None:
    answer = http_answer(b"de", "200 OK", "Connection: keep-alive")
    async with answering(answer) as tracker, TrackerClient(None) as client:
        target = _target(tracker.port, host="localhost")
        await client.ask(target, "a", "")
        with pytest.raises(Refused):
            await client.ask(replace(target, judged=True), "a", "")
