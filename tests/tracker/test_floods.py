"""Strangers who hold all the connections they can get: members are answered all the same (threat T11)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.tracker.announces import BOB, FAILED, Desk, beginning_of_handshake, open_desk, query
from tests.tracker.conftest import StartServer
from tests.waiting import wait_until
from tuishare.tracker import TrackerLimits, TrackerServer

LIMITS = TrackerLimits(
    connections=64,
    connections_per_address=8,
    connections_per_site=16,
    connections_per_provider=24,
    connections_reserved=16,
    connection_burst=100,
    connection_rate=1.0,
)
EIGHT = [f"127.{number}.0.1" for number in range(1, 9)]
MANY = [f"127.{number}.{number % 3}.7" for number in range(1, 201)]
NEIGHBOURS = [f"127.0.0.{number}" for number in range(2, 66)]
ANNOUNCES = 10


BEGINNINGS = {"silent": b"", "request": b"GET /announce/", "handshake": beginning_of_handshake()}


@asynccontextmanager
async def _flooded(port: int, hosts: Iterable[str], each: int, beginning: bytes) -> AsyncIterator[None]:
    """Hold connections from many addresses, and come again whenever one is ended."""

    async def hold(host: str) -> None:
        while True:
            with contextlib.suppress(OSError):
                target = "::1" if ":" in host else "127.0.0.1"
                reader, writer = await asyncio.open_connection(target, port, local_addr=(host, 0))
                try:
                    writer.write(beginning)
                    while await reader.read(65_536):
                        pass
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0)

    holding = [asyncio.create_task(hold(host)) for host in hosts for _ in range(each)]
    try:
        yield
    finally:
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)


async def _announce(server: TrackerServer, host: str, *, secure: bool = False) -> bool:
    """Announce as Bob in a connection of its own; returns whether it was answered."""
    tls = None
    if secure:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.ports["https" if secure else "http"], local_addr=(host, 0), ssl=tls
        )
        writer.write(f"GET /announce/{BOB.hex()}?{query()} HTTP/1.0\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return b"8:interval" in answer and FAILED not in answer
    return False


async def _open(start_server: StartServer) -> tuple[Desk, TrackerServer]:
    desk = open_desk(LIMITS)
    return desk, await start_server(desk.tracker)


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize(("hosts", "each"), [(EIGHT, 8), (MANY, 1), (NEIGHBOURS, 1)])
async def test_members_are_answered_while_strangers_hold_every_connection(
    start_server: StartServer, hosts: list[str], each: int, beginning: str
) -> None:
    _, server = await _open(start_server)
    secure = beginning == "handshake"
    assert await _announce(server, "127.0.0.1", secure=secure)
    slots = server._slots
    async with _flooded(server.ports["https" if secure else "http"], hosts, each, BEGINNINGS[beginning]):
        await wait_until(lambda: len(slots) >= 16)
        answers = [await _announce(server, "127.0.0.1", secure=secure) for _ in range(ANNOUNCES)]
        assert all(answers)
        assert len(slots) <= LIMITS.connections


@pytest.mark.parametrize("hosts", [EIGHT, MANY])
async def test_a_member_who_was_never_here_is_answered_too(
    start_server: StartServer, hosts: list[str]
) -> None:
    _, server = await _open(start_server)
    async with _flooded(server.ports["http"], hosts, 8 if hosts is EIGHT else 1, b""):
        await wait_until(lambda: len(server._slots) >= 40)
        assert await _announce(server, "127.250.0.1")


async def test_a_member_who_shares_an_address_with_a_flood_is_answered(start_server: StartServer) -> None:
    _, server = await _open(start_server)
    assert await _announce(server, "127.0.0.1")
    async with _flooded(server.ports["http"], ["127.0.0.1"], 8, b""):
        await wait_until(lambda: len(server._slots) == 8)
        assert all([await _announce(server, "127.0.0.1") for _ in range(ANNOUNCES)])


async def test_a_flood_over_ipv6_does_not_take_the_place_of_ipv4(start_server: StartServer) -> None:
    desk = open_desk(LIMITS)
    server = await start_server(desk.tracker, http=("", 0))
    async with _flooded(server.ports["http"], ["::1"], 64, b""):
        await wait_until(lambda: len(server._slots) == LIMITS.connections_per_address)
        assert all([await _announce(server, "127.0.0.1") for _ in range(ANNOUNCES)])


async def test_strangers_on_one_port_leave_room_on_the_other(start_server: StartServer) -> None:
    _, server = await _open(start_server)
    async with _flooded(server.ports["https"], MANY, 1, b""):
        await wait_until(lambda: len(server._slots) == LIMITS.connections - LIMITS.connections_reserved)
        assert await _announce(server, "127.0.0.1")
        assert len(server._slots) <= LIMITS.connections


_WITHOUT_DESCRIPTORS = """
import asyncio, resource, sys, time
from pathlib import Path
from tests.bench.bench_tracker import serve
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
asyncio.run(serve(Path(sys.argv[1]), 1))
print(time.process_time())
"""


async def test_without_a_descriptor_left_members_are_answered_and_no_time_is_burnt(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WITHOUT_DESCRIPTORS, str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    port = int((await process.stdout.readline()).split()[0])
    assert await _ask_first(port)
    async with _flooded(port, MANY[:60], 1, b""):
        answers = [await _ask_first(port) for _ in range(ANNOUNCES)]
    process.terminate()
    said, errors = await asyncio.wait_for(process.communicate(), 20)
    assert all(answers)
    assert errors == b""
    assert float(said) < 5


async def _ask_first(port: int) -> bool:
    """Announce as the only member of a tracker that `serve` runs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /announce/{'0001' * 16}?{query()} HTTP/1.0\r\n\r\n".encode())
    try:
        return b"8:interval" in await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return False
    finally:
        writer.close()
