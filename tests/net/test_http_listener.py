"""Connections are few and short."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.tracker.announces import beginning_of_handshake
from tests.waiting import wait_until
from tuishare.errors import SystemFailed
from tuishare.net.connection_slots import ConnectionSlot, ConnectionSlots, SlotLimits
from tuishare.net.http_listener import HttpListener, _Tls
from tuishare.tracker import TrackerCertificate


def _alive(*kinds: type) -> set[int]:
    """Say which objects of these kinds there are; slow, because the collector knows them all."""
    return {id(found) for found in gc.get_objects() if isinstance(found, kinds)}


async def _hello(_: web.BaseRequest) -> web.Response:
    return web.Response(body=b"hello")


@asynccontextmanager
async def _listening(
    *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, **bounds: Any
) -> AsyncIterator[HttpListener]:
    chosen = {"connections": 8, "per_address": 8, "per_site": 8, "per_provider": 8, "lifetime": 5.0, **bounds}
    listener = await HttpListener.open(_hello, host, 0, ConnectionSlots(SlotLimits(**chosen)), tls)
    try:
        yield listener
    finally:
        await listener.close()


async def _ask(
    listener: HttpListener, host: str = "127.0.0.1", text: bytes = b"GET / HTTP/1.0\r\n\r\n"
) -> bytes:
    reader, writer = await asyncio.open_connection(host, listener.port)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), 10) == b""
    except ConnectionError:
        return True


async def test_it_answers() -> None:
    async with _listening() as listener:
        assert (await _ask(listener)).endswith(b"\r\n\r\nhello")


async def test_without_a_host_both_families_are_answered() -> None:
    async with _listening(host="") as listener:
        for host in ("127.0.0.1", "::1"):
            assert (await _ask(listener, host)).endswith(b"hello")


async def test_a_slow_client_is_cut_off() -> None:
    async with _listening(lifetime=0.3) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HT")
        assert await _is_closed(reader)
        writer.close()
        assert not listener._connections


async def test_a_client_that_goes_on_asking_is_cut_off_too() -> None:
    async with _listening(lifetime=0.3) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)

        async def ask_on() -> None:
            while True:
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b"hello")

        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(ask_on(), 10)
        writer.close()


async def test_a_client_that_never_begins_tls_is_cut_off(certificate: TrackerCertificate) -> None:
    async with _listening(lifetime=0.3, tls=certificate.context) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await _is_closed(reader)
        writer.close()
        assert (await _ask(listener)) == b""


@pytest.mark.parametrize("name", ["connections", "per_address", "per_site", "per_provider"])
async def test_one_more_than_there_is_room_for_takes_the_place_of_the_oldest(name: str) -> None:
    bounds: dict[str, Any] = {name: 2, "lifetime": 60.0}
    async with _listening(**bounds) as listener:
        held = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(2)]
        await wait_until(lambda: len(listener._connections) == 2)
        assert (await _ask(listener)).endswith(b"hello")
        assert await _is_closed(held[0][0])
        assert not held[1][0].at_eof()
        for _, one in held:
            one.close()
        await wait_until(lambda: not listener._connections)
        assert not listener._slots.counts


async def test_a_connection_that_is_being_answered_is_not_ended_for_another() -> None:
    answering, answered = asyncio.Event(), asyncio.Event()

    async def slow(_: web.BaseRequest) -> web.Response:
        answering.set()
        await answered.wait()
        return web.Response(body=b"hello")

    listener = await HttpListener.open(slow, "127.0.0.1", 0, ConnectionSlots(SlotLimits(1, 1, 1, 1, 5.0)))
    try:
        first = asyncio.create_task(_ask(listener))
        await answering.wait()
        assert await _ask(listener) == b""
        answered.set()
        assert (await first).endswith(b"hello")
    finally:
        await listener.close()


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_client_that_asks_nothing_for_long_is_cut_off(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuishare.net.http_listener._QUIET_SECONDS", 0.2)
    async with _listening(lifetime=60.0) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(said)
        if said.endswith(b"\r\n"):
            await reader.readuntil(b"hello")
        assert await _is_closed(reader)
        writer.close()
        await wait_until(lambda: not listener._connections)


async def test_who_is_not_admitted_gets_no_word() -> None:
    async with _listening(admits=lambda _: False) as listener:
        assert await _ask(listener) == b""


@pytest.mark.parametrize(
    "text",
    [
        b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 500 + b"\r\n",
        b"hello\r\n\r\n",
    ],
)
async def test_requests_are_short(text: bytes) -> None:
    async with _listening() as listener:
        assert (await _ask(listener, text=text)).startswith(b"HTTP/1.0 400")


async def test_a_handler_that_fails_is_logged_and_the_next_request_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_: web.BaseRequest) -> web.Response:
        raise KeyError

    listener = await HttpListener.open(fail, "127.0.0.1", 0, ConnectionSlots(SlotLimits(8, 8, 8, 8, 5.0)))
    try:
        for _ in range(2):
            assert (await _ask(listener)).startswith(b"HTTP/1.0 500")
    finally:
        await listener.close()
    assert [record.name for record in caplog.records] == ["tuishare.net.http_listener"] * 2


async def test_a_handshake_costs_little_memory(certificate: TrackerCertificate) -> None:
    connections, beginning = 40, beginning_of_handshake()
    bounds: dict[str, Any] = dict.fromkeys(
        ("connections", "per_address", "per_site", "per_provider"), connections
    )
    async with _listening(tls=certificate.context, lifetime=60.0, **bounds) as listener:
        tracemalloc.start()
        try:
            held = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(connections)]
            theirs = tracemalloc.get_traced_memory()[0]
            for reader, writer in held:
                writer.write(beginning)
                await reader.read(1)
            cost = tracemalloc.get_traced_memory()[0] - theirs
        finally:
            tracemalloc.stop()
        assert cost < connections * 64 * 1024
        for _, writer in held:
            writer.close()


async def test_nothing_is_set_up_for_a_connection_that_says_nothing() -> None:
    async with _listening(lifetime=60.0) as listener:
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert (await _ask(listener)).endswith(b"hello")
        await wait_until(lambda: len(listener._connections) == 1)
        assert not listener._server._open
        writer.close()


async def test_closing_cuts_everything() -> None:
    async with _listening() as listener:
        port = listener.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await wait_until(lambda: bool(listener._connections))
        await listener.close()
        assert await _is_closed(reader)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemFailed, match="listen on port"):
        await HttpListener.open(
            _hello, "127.0.0.1", taken.getsockname()[1], ConnectionSlots(SlotLimits(1, 1, 1, 1, 1.0))
        )


@pytest.mark.parametrize("limit", [8, 2], ids=["hangs up", "makes room"])
async def test_a_connection_that_ended_in_its_handshake_leaves_nothing(
    certificate: TrackerCertificate, limit: int
) -> None:
    """Not even until the next garbage collection: thousands may end in a second."""
    bounds: dict[str, Any] = dict.fromkeys(("connections", "per_address", "per_site", "per_provider"), limit)
    async with _listening(tls=certificate.context, **bounds) as listener:
        gc.collect()
        before = _alive(_Tls, ConnectionSlot)
        gc.disable()
        try:
            held = []
            for _ in range(6):
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
                held.append(writer)
                writer.write(beginning_of_handshake())
                await reader.read(1)
            for writer in held:
                writer.close()
            await wait_until(lambda: not listener._connections)
            # What asyncio has still to do for them takes a few turns of the loop; asked rarely, because it is slow.
            await wait_until(
                lambda: (
                    not _alive(_Tls) - before and len(_alive(ConnectionSlot) - before) <= 1
                ),  # the frame of `_accept` has the last one
                every=0.1,
            )
        finally:
            gc.enable()
