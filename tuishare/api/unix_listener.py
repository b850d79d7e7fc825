"""The connections to the agent's socket: their number, and which one is closed for the next.

Owns accepting, and each connection until it ends; aiohttp reads and writes HTTP. Must not know the requests. One
program that connects repeatedly, or never disconnects, must not block the user's other programs.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from tuishare.api.unix_socket import read_credentials

_EXHAUSTED_SECONDS: Final = 0.5
"""Pause while this process cannot open another file; without it, accepting would use the whole processor."""
_FREED_SECONDS: Final = 0.05
"""Pause after a connection was aborted for the next one; closing takes a moment."""


@dataclass(slots=True, eq=False)
class _ClientConnection:
    """One connection; `pid` is the process that made it."""

    transport: asyncio.Transport
    pid: int
    under_way: int = 0


class UnixListener:
    """Accepts from a listening socket, which the caller closes, until `close`.

    Args:
        listening: the socket, not blocking.
        server: handles HTTP on each connection, and knows which ones are open.
        most: connections at a time.
    """

    def __init__(self, listening: socket.socket, server: web.Server, most: int) -> None:
        self._listening = listening
        self._server = server
        self._most = most
        self._connections: dict[object, _ClientConnection] = {}
        """By protocol, oldest first."""
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Stop accepting; open connections stay."""
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)

    @contextlib.contextmanager
    def busy(self, request: web.BaseRequest) -> Iterator[None]:
        """Keep the connection of a request open during the block."""
        connection = self._connections.get(request.protocol)
        if connection is None:  # it has ended
            yield
            return
        connection.under_way += 1
        try:
            yield
        finally:
            connection.under_way -= 1

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError:
                await asyncio.sleep(_FREED_SECONDS if self._make_room() else _EXHAUSTED_SECONDS)
                continue
            try:
                await self._take_in(connection)
            except OSError:  # it has ended already
                connection.close()

    async def _take_in(self, connection: socket.socket) -> None:
        self._forget_ended()
        if len(self._connections) >= self._most and not self._make_room():
            connection.close()
            await asyncio.sleep(0)  # a full backlog must not block the event loop
            return
        pid, _ = read_credentials(connection)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_accepted_socket(self._server, connection)
        self._connections[protocol] = _ClientConnection(transport, pid)

    def _forget_ended(self) -> None:
        standing = set(self._server.connections)
        self._connections = {
            protocol: connection for protocol, connection in self._connections.items() if protocol in standing
        }

    def _make_room(self) -> bool:
        """Abort the oldest idle connection of the process with most of them; return whether there was one."""
        idle = {
            protocol: connection
            for protocol, connection in self._connections.items()
            if not connection.under_way
        }
        if not idle:
            return False
        crowd = Counter(connection.pid for connection in idle.values())
        # `max` returns the first of equals, which is the oldest.
        chosen = max(idle, key=lambda protocol: crowd[idle[protocol].pid])
        # `close` would wait until the client has read everything.
        self._connections.pop(chosen).transport.abort()
        return True
