"""What one program of our own may do to the others that talk to the agent."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.samples import ACTIVITY, ScriptedAgent
from tests.api.test_server import open_stream, talk
from tests.waiting import wait_until
from tuishare.api import server as server_module
from tuishare.api.event_stream import StreamTiming
from tuishare.api.messages import Accepted, NewShare
from tuishare.api.operation import SMALL_BODY
from tuishare.api.server import ApiServer
from tuishare.net.descriptors import lowest_free

CLIENTS = 8
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HOLD = """
import socket, sys
held = [socket.socket(socket.AF_UNIX) for _ in range(int(sys.argv[2]))]
for one in held: one.connect(sys.argv[1])
print(flush=True)
sys.stdin.read()
"""


@contextlib.asynccontextmanager
async def serving(path: Path, agent: ScriptedAgent | None = None, **options: Any) -> AsyncIterator[ApiServer]:
    server = ApiServer(
        agent or ScriptedAgent(timing=StreamTiming(0.01, 0.05)), path, **{"clients": CLIENTS, **options}
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def connected(path: Path, sent: bytes = b"", count: int = 1) -> AsyncIterator[list[Client]]:
    """Connect so many times, and send the same on each."""
    clients = []
    for _ in range(count):
        clients.append(await asyncio.open_unix_connection(path))
        clients[-1][1].write(sent)
    try:
        yield clients
    finally:
        for _, writer in clients:
            writer.close()


def open_connections(server: ApiServer) -> int:
    assert server._runner is not None
    assert server._runner.server is not None
    return len(server._runner.server.connections)


LONG_ANSWER = b"GET /v1/activity?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n"
"""Asks for more than a socket holds."""


def verbose_agent() -> ScriptedAgent:
    agent = ScriptedAgent()
    agent.happened = [ACTIVITY] * 10_000
    return agent


def unsent(server: ApiServer) -> list[int]:
    """How many bytes each connection has still to send."""
    assert server._socket is not None
    connections = server._socket.listener._connections
    return [one.transport.get_write_buffer_size() for one in connections.values()]


def post(length: int, sent: bytes = b"", path: str = "/v1/settings/text") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + sent


async def has_ended(client: Client) -> bool:
    """Read until the agent hangs up."""
    try:
        await asyncio.wait_for(client[0].read(), 5)
    except ConnectionError:
        return True
    return client[0].at_eof()


async def test_the_oldest_that_does_nothing_makes_room(path: Path) -> None:
    async with serving(path) as server, connected(path, count=CLIENTS) as silent:
        await wait_until(lambda: open_connections(server) == CLIENTS)
        assert (await talk(path, "GET /v1/status"))[0] == 200
        assert await has_ended(silent[0])
        async with connected(path, count=5 * CLIENTS):
            assert (await talk(path, "GET /v1/status"))[0] == 200
            assert open_connections(server) <= CLIENTS + 1


async def test_a_connection_that_has_ended_takes_no_room(path: Path) -> None:
    async with serving(path, clients=2) as server, connected(path) as (ours,):
        await wait_until(lambda: open_connections(server) == 1)
        for _ in range(3):
            async with connected(path):
                await wait_until(lambda: open_connections(server) == 2)
            await wait_until(lambda: open_connections(server) == 1)
        reader, writer = ours
        writer.write(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(reader.readline(), 5)


async def test_what_is_under_way_is_not_ended(path: Path) -> None:
    async with serving(path) as server:
        reader, writer = await open_stream(path)
        async with connected(path, count=3 * CLIENTS):
            assert (await talk(path, "GET /v1/status"))[0] == 200
            assert len(server._streams) == 1
            for _ in range(20):
                assert await asyncio.wait_for(reader.readline(), 5)
        writer.close()


async def test_the_program_with_the_most_connections_loses_them_first(path: Path) -> None:
    async with serving(path) as server, connected(path) as (ours,):
        await wait_until(lambda: open_connections(server) == 1)
        holding = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HOLD, str(path), str(3 * CLIENTS)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert holding.stdout is not None
        await asyncio.wait_for(holding.stdout.readline(), 20)
        await wait_until(lambda: open_connections(server) >= CLIENTS)
        assert (await talk(path, "GET /v1/status"))[0] == 200
        ours[1].write(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in await asyncio.wait_for(ours[0].readline(), 5)
        await holding.communicate(b"")


@pytest.mark.parametrize("sent", [b"", b"GET /v1/sta"])
async def test_a_request_that_does_not_arrive_is_not_waited_for(path: Path, sent: bytes) -> None:
    async with serving(path, quiet=0.1), connected(path, sent) as (slow,):
        assert await has_ended(slow)


async def test_nor_is_its_body(path: Path) -> None:
    async with serving(path, quiet=0.1), connected(path, post(10, b"{")) as (slow,):
        answer = await asyncio.wait_for(slow[0].read(), 5)
        assert b" 400 " in answer
        assert b"did not arrive in time" in answer


async def test_few_large_bodies_are_in_memory_at_a_time_and_hold_up_no_small_ones(path: Path) -> None:
    large = SMALL_BODY + 1
    async with serving(path, quiet=60) as server, connected(path, post(large), count=2):
        await wait_until(server._large.locked)
        async with connected(path, post(large, b"[" * large)) as (third,):
            assert (await talk(path, "POST /v1/settings/text", "Content-Length: 1\r\n", b"["))[0] == 400
            assert not third[0]._buffer  # type: ignore[attr-defined]
            server._large.release()
            assert b" 400 " in await asyncio.wait_for(third[0].readline(), 5)


async def test_a_stream_that_is_not_read_ends(path: Path) -> None:
    agent = ScriptedAgent(timing=StreamTiming(0.01, 0.05))
    async with serving(path, agent, unread=0.1) as server:
        _, writer = await open_stream(path)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wait_until(lambda: len(server._streams) == 1)

        def change() -> bool:
            agent.show_rate(agent.now.status.rate_up + 1)
            return open_connections(server) == 0

        await wait_until(change, seconds=30)
        writer.close()


async def test_an_answer_that_is_not_read_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_ANSWER_SECONDS", 0.1)
    async with serving(path, verbose_agent(), quiet=60) as server, connected(path) as ((_, writer),):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wait_until(lambda: open_connections(server) == 1)
        writer.write(LONG_ANSWER)
        await wait_until(lambda: open_connections(server) == 0)


async def test_an_answer_that_is_not_read_makes_room_at_once(path: Path) -> None:
    async with serving(path, verbose_agent(), clients=2) as server, connected(path, count=2) as unread:
        for _, writer in unread:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(LONG_ANSWER)
        await wait_until(lambda: len(unsent(server)) == 2 and all(unsent(server)))
        assert (await talk(path, "GET /v1/status"))[0] == 200
        await wait_until(lambda: open_connections(server) <= 1)


class SlowAgent(ScriptedAgent):
    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()

    async def share(self, new: NewShare) -> Accepted:
        self.orders.append(new)
        await self.done.wait()
        return Accepted(id="new")


async def test_requests_under_way_are_bounded_also_of_clients_that_hung_up(path: Path) -> None:
    agent, order = SlowAgent(), b'{"path":"/x","recipients":["bob"]}'
    async with serving(path, agent) as server:
        async with connected(path, post(len(order), order, "/v1/shares"), count=server.request_limit):
            await wait_until(lambda: len(agent.orders) == server.request_limit)
            assert server._runner is not None
            assert server._runner.server is not None
            served = server._runner.server.connections
        await wait_until(lambda: all(one.transport is None for one in served))
        for request, status in (("GET /v1/shares", 503), ("GET /v1/status", 200), ("POST /v1/stop", 200)):
            assert (await talk(path, request))[0] == status
        agent.done.set()
        await wait_until(lambda: server._under_way == 0)
        assert (await talk(path, "GET /v1/shares"))[0] == 200


async def test_who_hangs_up_in_the_middle_of_a_request_leaves_no_traceback(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(path) as server:
        async with connected(path, post(10, b"{"), count=5):
            await wait_until(lambda: open_connections(server) == 5)
        await wait_until(lambda: open_connections(server) == 0)
    assert "Traceback" not in caplog.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@contextlib.contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free(0) + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_a_descriptor_left_a_silent_connection_makes_room(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(path, clients=1_000) as server, connected(path, count=3):
        await wait_until(lambda: open_connections(server) == 3)
        with descriptors_left(1):  # the client's own
            assert (await talk(path, "GET /v1/status"))[0] == 200
    assert "out of system resource" not in caplog.text
