from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from tests.api.samples import ACTIVITY, DOWNLOAD, SHARE, SNAPSHOT, STATUS, ScriptedAgent
from tuishare.api.authenticator import PeerCredentials
from tuishare.api.event_stream import StreamTiming
from tuishare.api.messages import (
    PROTOCOL,
    Activity,
    Download,
    ErrorBody,
    Event,
    Share,
    Snapshot,
    Status,
    Stopping,
)
from tuishare.api.server import ApiServer
from tuishare.errors import NotFound, SystemFailed


async def talk(path: Path, request: str, headers: str = "", body: bytes = b"") -> tuple[int, str, bytes]:
    """Send one raw request as curl would; give status, head and body."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        head = f"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        answer = await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        await writer.wait_closed()
    top, _, rest = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), top.decode(), rest


async def open_stream(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
    writer.write(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    return reader, writer


@pytest.mark.usefixtures("server")
async def test_curl_gets_json_without_naming_a_version(path: Path) -> None:
    status, head, body = await talk(path, "GET /v1/status")
    assert status == 200
    assert f"Tuishare-Protocol: {PROTOCOL}" in head
    assert "application/json" in head
    assert msgspec.json.decode(body, type=Status) == STATUS


@pytest.mark.usefixtures("server")
async def test_lists_are_answered(path: Path) -> None:
    _, _, shares = await talk(path, "GET /v1/shares")
    _, _, downloads = await talk(path, "GET /v1/downloads")
    assert msgspec.json.decode(shares, type=list[Share]) == [SHARE]
    assert msgspec.json.decode(downloads, type=list[Download]) == [DOWNLOAD]


@pytest.mark.usefixtures("server")
async def test_as_much_of_what_happened_is_told_as_was_asked_for(path: Path) -> None:
    for query in ("", "?limit=1", "?limit=10000"):
        status, _, body = await talk(path, f"GET /v1/activity{query}")
        assert status == 200
        assert msgspec.json.decode(body, type=list[Activity]) == [ACTIVITY]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("limit", ["0", "-1", "10001", "x", "", "1e3", "%D9%A1", "9" * 30])
async def test_a_limit_that_is_none_is_refused(path: Path, limit: str) -> None:
    status, _, body = await talk(path, f"GET /v1/activity?limit={limit}")
    assert status == 400
    assert "from 1 to 10000" in msgspec.json.decode(body, type=ErrorBody).detail


@pytest.mark.usefixtures("server")
async def test_the_stream_is_one_event_a_line(path: Path) -> None:
    reader, writer = await open_stream(path)
    lines: list[Event] = []
    while len(lines) < 2:
        line = await asyncio.wait_for(reader.readline(), 5)
        if line.startswith(b"{"):  # the others are HTTP chunk sizes
            lines.append(msgspec.json.decode(line, type=Event))
    writer.close()
    await writer.wait_closed()
    assert isinstance(lines[0], Snapshot)
    assert lines[0] == SNAPSHOT


@pytest.mark.usefixtures("server")
async def test_stop_reaches_the_agent(agent: ScriptedAgent, path: Path) -> None:
    status, _, body = await talk(path, "POST /v1/stop")
    assert (status, agent.stops) == (200, 1)
    assert msgspec.json.decode(body, type=Stopping).pid == STATUS.pid


@pytest.mark.usefixtures("server")
async def test_an_old_client_is_told_so_and_may_still_stop_the_agent(
    agent: ScriptedAgent, path: Path
) -> None:
    status, _, body = await talk(path, "GET /v1/status", "Tuishare-Protocol: 0\r\n")
    failure = msgspec.json.decode(body, type=ErrorBody)
    assert (status, failure.code) == (426, "protocol")
    assert f"client speaks protocol 0, this agent speaks protocol {PROTOCOL}" in failure.detail
    assert (await talk(path, "POST /v1/stop", "Tuishare-Protocol: 0\r\n"))[0] == 200
    assert agent.stops == 1


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("request_line", "expected", "code"),
    [
        ("GET /v1/nothing", 404, "not-found"),
        ("GET /", 404, "not-found"),
        ("GET /v1/stop", 400, "bad-input"),
        ("DELETE /v1/status", 400, "bad-input"),
    ],
)
async def test_every_refusal_has_the_one_form(
    path: Path, request_line: str, expected: int, code: str
) -> None:
    status, head, body = await talk(path, request_line)
    failure = msgspec.json.decode(body, type=ErrorBody)
    assert (status, failure.code) == (expected, code)
    assert failure.title
    assert failure.detail
    assert failure.hint
    assert f"Tuishare-Protocol: {PROTOCOL}" in head


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("headers", ["Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n"])
async def test_a_body_is_refused_unread(agent: ScriptedAgent, path: Path, headers: str) -> None:
    status, _, body = await talk(path, "POST /v1/stop", headers, b"")
    assert (status, msgspec.json.decode(body, type=ErrorBody).code) == (400, "bad-input")
    assert agent.stops == 0


@pytest.mark.usefixtures("server")
async def test_an_endless_header_is_cut_off(path: Path) -> None:
    status, _, _ = await talk(path, "GET /v1/status", "X: " + "x" * 20_000 + "\r\n")
    assert status == 400


async def test_another_user_gets_nothing(agent: ScriptedAgent, path: Path) -> None:
    server = ApiServer(agent, path, authenticator=PeerCredentials(os.geteuid() + 1))
    await server.start()
    for request in ("GET /v1/status", "GET /v1/events", "POST /v1/stop", "GET /v1/nothing"):
        status, _, body = await talk(path, request)
        assert (status, msgspec.json.decode(body, type=ErrorBody).code) == (403, "refused")
        assert b"alice" not in body
    assert agent.stops == 0
    await server.stop()


class FailingAgent(ScriptedAgent):
    async def status(self) -> Status:
        raise NotFound("No such thing", hint="Look elsewhere")

    async def shares(self) -> list[Share]:
        raise ZeroDivisionError("passkey=s3cret")


async def test_an_expected_error_crosses_and_an_unexpected_one_keeps_its_text(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ApiServer(FailingAgent(), path)
    await server.start()
    status, _, body = await talk(path, "GET /v1/status")
    assert status == 404
    assert msgspec.json.decode(body, type=ErrorBody).hint == "Look elsewhere"
    status, _, body = await talk(path, "GET /v1/shares")
    assert status == 500
    assert b"s3cret" not in body
    assert "ZeroDivisionError" in caplog.text
    await server.stop()


async def test_there_is_a_limit_to_streams(server: ApiServer, path: Path) -> None:
    streams = [await open_stream(path) for _ in range(server.stream_limit)]
    status, _, body = await talk(path, "GET /v1/events")
    assert (status, msgspec.json.decode(body, type=ErrorBody).code) == (503, "busy")
    assert (await talk(path, "GET /v1/status"))[0] == 200
    streams.pop()[1].close()
    done, _ = await asyncio.wait(tuple(server._streams), timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert done
    streams.append(await open_stream(path))
    for _, writer in streams:
        writer.close()


async def test_stopping_ends_streams_and_removes_the_socket(path: Path) -> None:
    server = ApiServer(ScriptedAgent(timing=StreamTiming(interval=60, heartbeat=60)), path)
    await server.start()
    reader, writer = await open_stream(path)
    await asyncio.wait_for(server.stop(), 1.5)
    with pytest.raises(FileNotFoundError):
        await asyncio.open_unix_connection(path)
    await asyncio.wait_for(reader.read(), 5)
    assert reader.at_eof()
    writer.close()
    await server.stop()


async def test_a_second_agent_is_refused_and_harms_nothing(server: ApiServer, path: Path) -> None:
    other = ApiServer(ScriptedAgent(), path)
    with pytest.raises(SystemFailed, match="already answers"):
        await other.start()
    await other.stop()
    assert (await talk(path, "GET /v1/status"))[0] == 200
