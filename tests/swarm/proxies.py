"""A small SOCKS5 proxy (RFC 1928) that remembers whom it was asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tuishare.net.proxy_settings import Proxy

_GRANTED = b"\x05\x00\x00\x01" + bytes(6)
_CONNECT = 1


@dataclass
class Relay:
    """The proxy as it runs."""

    port: int
    asked: set[tuple[str, int]] = field(default_factory=set)

    @property
    def proxy(self) -> Proxy:
        return Proxy("socks5", "127.0.0.1", self.port)


@asynccontextmanager
async def relaying() -> AsyncIterator[Relay]:
    """Run it for as long as the block lasts."""
    relay = Relay(0)
    tasks: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(_serve(relay, reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _serve(relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError, asyncio.IncompleteReadError):
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x00")
            _, command, _, kind = await reader.readexactly(4)
            if command == _CONNECT and kind == 1:
                host = socket.inet_ntoa(await reader.readexactly(4))
                port = int.from_bytes(await reader.readexactly(2))
                relay.asked.add((host, port))
                await _relay(reader, writer, host, port)
    finally:
        writer.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    far_reader, far_writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_GRANTED)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    finally:
        far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
