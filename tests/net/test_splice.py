"""Two connections that are spliced: what goes through, what waits, and what ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from tests.waiting import wait_until
from tuishare.net import splice as module
from tuishare.net.splice import Pace, Splice, splice


@contextlib.asynccontextmanager
async def spliced(
    count: Callable[[int], bool] = lambda _: True, pace: Pace | None = None
) -> AsyncIterator[tuple[socket.socket, socket.socket, asyncio.Task[None]]]:
    """Yield the far ends of two connections, and the task that runs until both have ended."""
    (one, near), (far, other) = pair(), pair()
    for each in (one, other):
        each.setblocking(False)
    running = asyncio.create_task(splice(near, far, Splice(count=count, pace=pace)))
    try:
        yield one, other, running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        one.close()
        other.close()


def pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = socket.create_connection(listening.getsockname())
        return one, listening.accept()[0]


async def read_all(connection: socket.socket) -> bytes:
    loop, got = asyncio.get_running_loop(), bytearray()
    while piece := await loop.sock_recv(connection, 1 << 16):
        got += piece
    return bytes(got)


async def test_each_direction_ends_by_itself_and_nothing_is_lost() -> None:
    loop, content = asyncio.get_running_loop(), os.urandom(5_000_000)
    async with spliced() as (one, other, running):
        reading = asyncio.create_task(read_all(other))
        await loop.sock_sendall(one, content)
        one.shutdown(socket.SHUT_WR)
        assert await reading == content
        await loop.sock_sendall(other, b"and back")
        assert await loop.sock_recv(one, 100) == b"and back"
        other.shutdown(socket.SHUT_WR)
        assert await read_all(one) == b""
        await asyncio.wait_for(running, 10)


async def test_what_no_one_reads_is_not_kept_here() -> None:
    """A sender waits for the reader, with half a megabyte here and what the system keeps between."""
    moved = 0

    def count(size: int) -> bool:
        nonlocal moved
        moved += size
        return True

    async with spliced(count) as (one, other, _):
        for each in (one, other):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(one, bytes(64_000_000)))
        before = -1
        while moved != before:  # until it stands still
            before = moved
            await asyncio.wait({sending}, timeout=0.5)
        assert 0 < moved < 16_000_000
        got = 0
        while got < 64_000_000:
            got += len(await asyncio.get_running_loop().sock_recv(other, 1 << 20))
        await sending


async def test_one_that_breaks_ends_the_other() -> None:
    async with spliced() as (one, other, running):
        await wait_until(lambda: not running.done())
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close()
        assert await read_all(other) == b""
        await asyncio.wait_for(running, 10)


async def test_silence_ends_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENCE_SECONDS", 0.3)
    async with spliced() as (one, other, running):
        await asyncio.wait_for(running, 10)
        with contextlib.suppress(ConnectionError):
            assert await read_all(one) == b""
        with contextlib.suppress(ConnectionError):
            assert await read_all(other) == b""


async def test_a_count_that_is_full_cuts_both() -> None:
    async with spliced(lambda _: False) as (one, _, running):
        await asyncio.get_running_loop().sock_sendall(one, b"x")
        await asyncio.wait_for(running, 10)


def test_a_pace_is_kept_by_all_together() -> None:
    now, rate = 0.0, 1_000
    pace = Pace(lambda: rate, lambda: now)
    assert pace.take(100) == pytest.approx(0.0)  # what a moment of silence has left
    assert pace.take(1_000) == pytest.approx(1.0)
    assert pace.take(1_000) == pytest.approx(2.0)
    now = 10.0
    assert pace.take(100) == pytest.approx(0.0)
    rate = 0
    assert pace.take(10**9) == 0.0
