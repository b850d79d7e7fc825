"""A forwarder on loopback between two agents: it records what it sees, and may cut the connection anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import mark_port


@dataclass
class Forwarder:
    """What went through; `most` is after how many bytes from the caller it cuts."""

    target: Endpoint
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("127.0.0.1", 0))
    most: int = sys.maxsize
    there: bytearray = field(default_factory=bytearray)
    back: bytearray = field(default_factory=bytearray)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(self.target.host, self.target.port)
        self.writers += [writer, target_writer]
        await asyncio.gather(
            self._copy(reader, target_writer, self.there), self._copy(target_reader, writer, self.back)
        )

    def cut(self) -> None:
        """End everything at once."""
        for writer in self.writers:
            writer.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytearray
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                seen += data
                if len(self.there) > self.most:
                    self.cut()
                writer.write(data)
        writer.close()


@contextlib.asynccontextmanager
async def forwarding(target: Endpoint) -> AsyncIterator[Forwarder]:
    """Forward to an agent for one block."""
    forwarder = Forwarder(target)
    server = await asyncio.start_server(forwarder.forward, "127.0.0.1", 0)
    forwarder.endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    mark = mark_port("127.0.0.1", forwarder.endpoint.port)
    assert mark is not None
    try:
        with mark:
            yield forwarder
    finally:
        forwarder.cut()
        server.close()
        await server.wait_closed()
