"""Ports that a stock OpenSSH server forwards: callers come with their address, by a confirmed host key alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.link.openssh_servers import OpensshServer, missing, openssh_server
from tests.waiting import wait_until
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.messages import ReachService
from tuishare.link.peer import LinkFailed
from tuishare.link.ssh_forwarding import UnknownHostKey, authorized_keys_line, forward_ports
from tuishare.net.endpoints import Endpoint
from tuishare.net.splice import Splice, SpliceEnd
from tuishare.net.ssh_place import SshPlace
from tuishare.net.tcp import connect_tcp
from tuishare.swarm.ports import free_port

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no OpenSSH server: {missing()}")
HOST = "127.0.0.1"
KEY = LinkKey.from_seed(b"r" * 32)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpensshServer]:
    with openssh_server(tmp_path / "sshd", HOST, free_port()) as running:
        yield running


@dataclass
class Forwarded:
    """What comes, each connected to an echo."""

    echo: int
    ports: dict[ReachService, int] = field(
        default_factory=lambda: {"link": free_port(), "swarm": free_port()}
    )
    callers: list[tuple[ReachService, str]] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    end: LinkFailed | None = None

    def take(
        self, service: ReachService, host: str, make_end: Callable[[Splice], SpliceEnd]
    ) -> SpliceEnd | None:
        self.callers.append((service, host))
        whole = Splice(make_end=make_end)
        self.tasks.add(asyncio.create_task(self.connect(whole)))
        return whole.ends[0]

    async def connect(self, whole: Splice) -> None:
        await whole.attach(await connect_tcp(Endpoint(HOST, self.echo)), whole.ends[1])
        await whole.run()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def forwarding(server: OpensshServer, host_key: str) -> AsyncIterator[Forwarded]:
    """Have ports forwarded until the block ends."""
    listening = await asyncio.start_server(echo, HOST, 0)
    forwarded = Forwarded(listening.sockets[0].getsockname()[1])
    opened = asyncio.Event()
    place = SshPlace("root", Endpoint(HOST, server.port))

    async def run() -> None:
        try:
            await forward_ports(KEY, place, host_key, forwarded.ports, forwarded.take, opened.set)
        except LinkFailed as error:
            forwarded.end = error

    running = asyncio.create_task(run())
    try:
        await wait_until(lambda: opened.is_set() or running.done())
        yield forwarded
    finally:
        for task in (running, *forwarded.tasks):
            task.cancel()
        await asyncio.gather(running, *forwarded.tasks, return_exceptions=True)
        listening.close()


def permit(server: OpensshServer, ports: dict[ReachService, int]) -> None:
    server.authorized_keys.write_text(authorized_keys_line(KEY, ports) + "\n")


async def test_callers_come_with_their_address_and_nothing_is_lost(server: OpensshServer) -> None:
    content = os.urandom(3_000_000)
    server.authorized_keys.write_text(
        authorized_keys_line(KEY, {}).replace("forwarding,", "forwarding") + "\n"
    )
    async with forwarding(server, server.fingerprint) as forwarded:
        assert forwarded.end is None
        for service, port in forwarded.ports.items():
            reader, writer = await asyncio.open_connection(HOST, port, local_addr=("127.3.3.3", 0))
            sending = asyncio.create_task(send(writer, content))
            assert await reader.readexactly(len(content)) == content
            await sending
            assert await reader.read() == b""
            writer.close()
            assert forwarded.callers[-1] == (service, "127.3.3.3")


async def send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()
    writer.write_eof()


@pytest.mark.parametrize("confirmed", ["", "SHA256:" + "A" * 43])
async def test_a_host_key_that_was_not_confirmed_is_shown_and_refused(
    server: OpensshServer, confirmed: str
) -> None:
    """Threat T24: no trust on first use."""
    permit(server, {"link": 2_222})
    async with forwarding(server, confirmed) as forwarded:
        assert isinstance(forwarded.end, UnknownHostKey)
        assert forwarded.end.fingerprint == server.fingerprint
        assert server.fingerprint in forwarded.end.detail
        assert f"reach_host_key {server.fingerprint}" in forwarded.end.hint


async def test_who_is_not_let_in_is_told_what_is_missing(server: OpensshServer) -> None:
    async with forwarding(server, server.fingerprint) as forwarded:
        assert forwarded.end is not None
        assert "does not let us in" in forwarded.end.detail
        assert "tuishare reach key" in forwarded.end.hint


async def test_the_printed_line_permits_those_ports_alone(server: OpensshServer) -> None:
    permit(server, {"link": free_port()})
    async with forwarding(server, server.fingerprint) as forwarded:
        assert forwarded.end is not None
        assert f"does not forward port {forwarded.ports['link']}" in forwarded.end.detail
    listening = dict(forwarded.ports)
    permit(server, listening)
    line = server.authorized_keys.read_text()
    assert line.startswith(f'restrict,port-forwarding,permitlisten="{listening["link"]}",permitlisten=')


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    gone = OpensshServer(free_port(), "SHA256:" + "A" * 43, tmp_path)
    async with forwarding(gone, gone.fingerprint) as forwarded:
        assert forwarded.end is not None
        assert "cannot be reached: connection refused" in forwarded.end.detail
