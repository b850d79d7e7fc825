"""The connections to the agent's socket: how many there are, and which one makes room for the next.

Owns accepting, and each connection until it ends; aiohttp reads and writes HTTP. Must not know what is asked. One
program of our own that connects again and again, or never hangs up, must not keep the others out.
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
"""To wait when this process may open no more files; asking again at once would only burn the processor."""
_FREED_SECONDS: Final = 0.05
"""Likewise when a connection was just ended for the next one; it takes a moment to close."""


@dataclass(slots=True, eq=False)
class _Visit:
    """One connection; `pid` is the process that made it."""

    transport: asyncio.Transport
    pid: int
    under_way: int = 0


class Listener:
    """Accepts from a listening socket, which stays the caller's, until `close`.

    Args:
        door: listens, and does not block.
        server: speaks HTTP on each connection, and knows which ones are still open.
        most: connections at a time.
    """

    def __init__(self, door: socket.socket, server: web.Server, most: int) -> None:
        self._door = door
        self._server = server
        self._most = most
        self._visits: dict[object, _Visit] = {}
        """By protocol, oldest first."""
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Accept no more; open connections stay."""
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)

    @contextlib.contextmanager
    def busy(self, request: web.BaseRequest) -> Iterator[None]:
        """Keep the connection of a request for as long as the block lasts."""
        visit = self._visits.get(request.protocol)
        if visit is None:  # it has ended meanwhile
            yield
            return
        visit.under_way += 1
        try:
            yield
        finally:
            visit.under_way -= 1

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._door)
            except OSError:
                await asyncio.sleep(_FREED_SECONDS if self._make_room() else _EXHAUSTED_SECONDS)
                continue
            try:
                await self._take_in(connection)
            except OSError:  # it has ended already
                connection.close()

    async def _take_in(self, connection: socket.socket) -> None:
        self._forget_ended()
        if len(self._visits) >= self._most and not self._make_room():
            connection.close()
            await asyncio.sleep(0)  # a full backlog must not hold up the rest of the agent
            return
        pid, _ = read_credentials(connection)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_accepted_socket(self._server, connection)
        self._visits[protocol] = _Visit(transport, pid)

    def _forget_ended(self) -> None:
        standing = set(self._server.connections)
        self._visits = {protocol: visit for protocol, visit in self._visits.items() if protocol in standing}

    def _make_room(self) -> bool:
        """End the oldest connection that does nothing, of the process with most of those; return if there was one."""
        idle = {protocol: visit for protocol, visit in self._visits.items() if not visit.under_way}
        if not idle:
            return False
        crowd = Counter(visit.pid for visit in idle.values())
        # `max` gives the first of several: the oldest.
        chosen = max(idle, key=lambda protocol: crowd[idle[protocol].pid])
        # What is closed politely stays until all that was written to it has been read.
        self._visits.pop(chosen).transport.abort()
        return True
