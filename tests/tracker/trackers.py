"""Trackers that misbehave, and proxies, on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Heard:
    """What somebody who listens has received so far.

    Attributes:
        silent: set to let it answer no more.
    """

    port: int = 0
    text: bytes = b""
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    silent: bool = False


@asynccontextmanager
async def answering(
    reply: bytes, tls: ssl.SSLContext | None = None, *, forever: bool = False
) -> AsyncIterator[Heard]:
    """Answer whatever is asked with the same bytes; with `forever`, go on with them until nobody reads any more."""
    heard, tasks = Heard(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.connections += 1
        try:
            heard.text += await reader.readuntil(b"\r\n\r\n")
            if not heard.silent:
                writer.write(reply)
            while forever:
                writer.write(bytes(65_536))
                await writer.drain()
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            heard.ended.set()
            writer.transport.abort()  # a goodbye of TLS might still be going on when the test has ended

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def http_answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
