from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.api.samples import DOWNLOAD, RELOADED, SHARE, SNAPSHOT, STATUS, ScriptedAgent
from tuishare.api import connection
from tuishare.api.client import AgentClient
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import PROTOCOL, Changes, ShareId, Snapshot
from tuishare.api.server import ApiServer
from tuishare.errors import AgentUnreachable, BadConfiguration, SystemFailed, VerificationFailed

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = f"HTTP/1.1 200 OK\r\nTuishare-Protocol: {PROTOCOL}\r\n".encode()


@asynccontextmanager
async def imposter(path: Path, answer: bytes, *, hold: bool = False) -> AsyncIterator[None]:
    """Something on the socket that is no agent of this version."""
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if hold:
            await gone.wait()
        writer.close()

    server = await asyncio.start_unix_server(talk, path)
    try:
        yield
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


def sized(body: bytes, protocol: str = str(PROTOCOL), status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nTuishare-Protocol: {protocol}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def drain(client: AgentClient) -> list[Snapshot | Changes]:
    return [event async for event in client.events()]


async def test_answers_arrive_as_messages(client: AgentClient, agent: ScriptedAgent) -> None:
    assert await client.status() == STATUS
    assert await client.shares() == [SHARE]
    assert await client.downloads() == [DOWNLOAD]
    assert (await client.stop()).pid == STATUS.pid
    assert agent.stops == 1


async def test_a_reload_says_what_became_of_the_settings(client: AgentClient, agent: ScriptedAgent) -> None:
    assert await client.reload() == RELOADED
    assert agent.reloads == 1


async def test_a_reload_of_a_broken_file_says_what_is_wrong(
    client: AgentClient, agent: ScriptedAgent
) -> None:
    agent.broken = BadConfiguration("config.toml: line 3, key name: expected `str`", hint="Correct it.")
    with pytest.raises(BadConfiguration, match="line 3, key name") as caught:
        await client.reload()
    assert caught.value.hint == "Correct it."


async def test_events_arrive_and_heartbeats_do_not_show(client: AgentClient, agent: ScriptedAgent) -> None:
    async with aclosing(client.events()) as events:
        assert await asyncio.wait_for(anext(events), 5) == SNAPSHOT
        following = asyncio.ensure_future(anext(events))
        await asyncio.wait([following], timeout=0.2)  # four heartbeats long
        assert not following.done()
        agent.show_rate(5)
        changes = await asyncio.wait_for(following, 5)
    assert isinstance(changes, Changes)
    assert changes.status is not None
    assert changes.status.rate_up == 5


async def test_a_snapshot_longer_than_any_buffer_arrives(client: AgentClient, agent: ScriptedAgent) -> None:
    many = tuple(msgspec.structs.replace(SHARE, id=ShareId(f"{n:x}"), name="n" * 200) for n in range(3000))
    agent.show(msgspec.structs.replace(SNAPSHOT, shares=many))
    async with aclosing(client.events()) as events:
        first = await asyncio.wait_for(anext(events), 10)
    assert first.shares == many
    assert await client.shares() == list(many)


async def test_no_agent_is_one_sentence_and_a_hint(path: Path) -> None:
    async with AgentClient(path) as client:
        with pytest.raises(AgentUnreachable, match="No agent answers") as caught:
            await client.status()
        assert "tuishare agent" in caught.value.hint
        with pytest.raises(AgentUnreachable):
            await drain(client)


async def test_an_agent_that_stops_ends_the_stream(client: AgentClient, server: ApiServer) -> None:
    async with aclosing(client.events()) as events:
        await anext(events)
        await server.stop()
        with pytest.raises(AgentUnreachable):
            await asyncio.wait_for(anext(events), 5)


async def test_a_silent_agent_counts_as_lost(path: Path) -> None:
    async with imposter(path, HEAD + b"\r\n", hold=True), AgentClient(path, silence=0.05) as client:
        with pytest.raises(AgentUnreachable, match="in time"):
            await asyncio.wait_for(drain(client), 5)


async def test_an_order_has_more_time_than_a_question(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(connection, "_ORDER_SECONDS", 1.0)
    loop = asyncio.get_running_loop()
    async with imposter(path, b"", hold=True), AgentClient(path) as client:
        for ask, least, most in ((client.status, 0.2, 1.0), (client.reload, 1.0, 5.0)):
            started = loop.time()
            with pytest.raises(AgentUnreachable, match="in time"):
                await ask()
            assert least <= loop.time() - started + 0.01
            assert loop.time() - started < most


async def test_an_end_without_a_word_is_an_end(path: Path) -> None:
    async with imposter(path, HEAD + b"Connection: close\r\n\r\n"), AgentClient(path) as client:
        with pytest.raises(AgentUnreachable, match="ended the connection"):
            await drain(client)


async def test_a_broken_answer_is_a_sentence(path: Path) -> None:
    async with imposter(path, HEAD + b"Content-Length: 99\r\n\r\n{"), AgentClient(path) as client:
        with pytest.raises(AgentUnreachable, match="in the middle"):
            await client.status()


@pytest.mark.parametrize("answer", [sized(b"{}", "0"), sized(b"{}", "0", "426 Upgrade Required")])
async def test_another_version_is_said_before_anything_is_read(path: Path, answer: bytes) -> None:
    async with imposter(path, answer), AgentClient(path) as client:
        with pytest.raises(
            ProtocolMismatch, match=f"agent speaks protocol 0, this client speaks protocol {PROTOCOL}"
        ):
            await client.status()
        with pytest.raises(ProtocolMismatch):
            await drain(client)


async def test_an_agent_of_another_version_can_be_stopped(path: Path) -> None:
    async with imposter(path, sized(b'{"pid":7}', "2")), AgentClient(path) as client:
        assert (await client.stop()).pid == 7


async def test_something_else_on_the_socket_is_noticed(path: Path) -> None:
    async with imposter(path, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), AgentClient(path) as client:
        with pytest.raises(ProtocolMismatch, match="did not name"):
            await client.status()
    async with imposter(path, b"SSH-2.0-OpenSSH\r\n"), AgentClient(path) as client:
        with pytest.raises(AgentUnreachable):
            await client.status()


async def test_an_error_is_raised_as_what_it_was(path: Path) -> None:
    body = b'{"code":"system","title":"t","detail":"Disk full","hint":"Free some"}'
    async with imposter(path, sized(body, status="500 x")), AgentClient(path) as client:
        with pytest.raises(SystemFailed, match="Disk full") as caught:
            await client.shares()
    assert caught.value.hint == "Free some"


async def test_an_answer_without_end_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINE_LIMIT", 1000)
    async with imposter(path, sized(b"[" * 2000)), AgentClient(path) as client:
        with pytest.raises(VerificationFailed, match="longer than"):
            await client.status()
        with pytest.raises(VerificationFailed, match="longer than"):
            await drain(client)
