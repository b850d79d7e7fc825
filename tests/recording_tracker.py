"""A tracker that answers everybody with nobody, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_ANSWER = b"d8:intervali1800e5:peers0:e"


@dataclass
class Asked:
    """The first line of each request, and where they come to."""

    port: int
    lines: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    @property
    def url(self) -> str:
        """Its announce URL, with room for each member's passkey."""
        return f"http://127.0.0.1:{self.port}/announce/{{passkey}}"

    async def once(self) -> str:
        """Wait for a request."""
        async with asyncio.timeout(20):
            return await self.lines.get()


@asynccontextmanager
async def asked() -> AsyncIterator[Asked]:
    """Run it for as long as the block lasts."""
    tracker = Asked(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tracker.lines.put_nowait((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(_ANSWER), _ANSWER))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        tracker.port = server.sockets[0].getsockname()[1]
        yield tracker
