"""Hostile clients: ``python -m tests.siege.visitors MANNER PLACE --connections N``.

Each client connects, behaves as its manner says, and reconnects when it is disconnected; all together open at most
`RATE` connections per second. PLACE is ``HOST:PORT``, or the path of a Unix socket. Runs until SIGTERM, with a low
priority, and then prints the number of connections in total and at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import secrets
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tuishare.api.messages import PROTOCOL, PROTOCOL_HEADER

RATE: Final = 1_000
"""Connections opened per second."""
PRIORITY: Final = 10
"""The nice value; with a higher one, attackers starve under other load, and there is no attack."""
_SLOW: Final = 1.0
"""Seconds between two bytes of a slow client."""
_AGAIN: Final = 0.5
_BODY: Final = 6 * 1024 * 1024
"""The maximum size of an API request."""
_PROTOCOL: Final = f"{PROTOCOL_HEADER}: {PROTOCOL}\r\n"

Manner = Callable[["Visit"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Visit:
    """An open connection."""

    connection: socket.socket

    async def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: the connection has ended.
        """
        await asyncio.get_running_loop().sock_sendall(self.connection, data)

    async def drain(self) -> None:
        """Read until the other end closes."""
        while await asyncio.get_running_loop().sock_recv(self.connection, 65_536):
            pass

    async def drip(self, data: bytes) -> None:
        """Send one byte from time to time, and read."""
        hung_up = asyncio.create_task(self.drain())
        try:
            for byte in data:
                await asyncio.wait({hung_up}, timeout=_SLOW)
                if hung_up.done():
                    return
                await self.send(bytes([byte]))
            await hung_up
        finally:
            hung_up.cancel()


async def stay_silent(visit: Visit) -> None:
    """Stay silent."""
    await visit.drain()


async def shake_hands_slowly(visit: Visit) -> None:
    """Send half a ClientHello at once and the rest byte by byte."""
    hello = client_hello()
    await visit.send(hello[: len(hello) // 2])
    await visit.drip(hello[len(hello) // 2 :])


async def stop_halfway(visit: Visit) -> None:
    """Send half a ClientHello and no more."""
    hello = client_hello()
    await visit.send(hello[: len(hello) // 2])
    await visit.drain()


async def shake_hands(visit: Visit) -> None:
    """Complete the TLS handshake, then stay silent."""
    stream = await _secure(visit)
    try:
        while await stream[0].read(65_536):
            pass
    finally:
        stream[1].transport.abort()


async def guess(visit: Visit) -> None:
    """Announce over TLS with a wrong passkey."""
    reader, writer = await _secure(visit)
    try:
        query = f"info_hash={'%5a' * 20}&peer_id={'x' * 20}&port=6881&uploaded=0&downloaded=0&left=1"
        request = f"GET /announce/{secrets.token_hex(32)}?{query} HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(request.encode())
        await reader.read(65_536)
    finally:
        writer.transport.abort()


async def ask_slowly(visit: Visit) -> None:
    """Write a request byte by byte."""
    await visit.drip(b"GET /v1/status HTTP/1.1\r\nHost: tuishare\r\nX-Long: " + b"x" * 4_000)


async def talk_junk(visit: Visit) -> None:
    """Send random bytes."""
    await visit.send(secrets.token_bytes(16_384))
    await visit.drain()


async def send_much(visit: Visit) -> None:
    """Send a meaningless body of the maximum size."""
    head = "POST /v1/settings/text HTTP/1.1\r\nHost: tuishare\r\nContent-Type: application/json\r\n"
    await visit.send(f"{head}{_PROTOCOL}Content-Length: {_BODY}\r\n\r\n".encode())
    for _ in range(_BODY >> 16):
        await visit.send(b"[" * 65_536)
    await visit.drain()


async def follow_deaf(visit: Visit) -> None:
    """Subscribe to the events and read none."""
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    await visit.send(f"GET /v1/events HTTP/1.1\r\nHost: tuishare\r\n{_PROTOCOL}\r\n".encode())
    await asyncio.Event().wait()


MANNERS: Final[dict[str, Manner]] = {
    manner.__name__: manner
    for manner in (
        stay_silent,
        shake_hands_slowly,
        stop_halfway,
        shake_hands,
        guess,
        ask_slowly,
        talk_junk,
        send_much,
        follow_deaf,
    )
}


class Crowd:
    """All clients of one process.

    Attributes:
        manner: the behaviour of each.
        place: to connect to.
        sources: local addresses, used in turn; empty for a Unix socket.
        opened: connections opened so far.
        most: maximum number of open connections.
    """

    def __init__(self, manner: Manner, place: str, sources: list[str]) -> None:
        self._manner, self._place, self._sources = manner, place, sources
        self._next = 0.0
        self._standing = 0
        self.opened = 0
        self.most = 0

    async def visit(self, number: int) -> None:
        """Run one client, for ever."""
        while True:
            await self._take_turn()
            with contextlib.suppress(OSError, ssl.SSLError):
                connection = await self._connect(number)
                with connection, self._counted():
                    await self._manner(Visit(connection))
            await asyncio.sleep(_AGAIN)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.opened += 1
        self._standing += 1
        self.most = max(self.most, self._standing)
        try:
            yield
        finally:
            self._standing -= 1

    async def _take_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now) + 1 / RATE
        await asyncio.sleep(self._next - now)

    async def _connect(self, number: int) -> socket.socket:
        family = socket.AF_UNIX if self._place.startswith("/") else socket.AF_INET
        connection = socket.socket(family)
        connection.setblocking(False)
        try:
            if self._place.startswith("/"):
                await asyncio.get_running_loop().sock_connect(connection, self._place)
            else:
                connection.bind((self._sources[number % len(self._sources)], 0))
                host, _, port = self._place.rpartition(":")
                await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
        except BaseException:
            connection.close()
            raise
        return connection


def client_hello() -> bytes:
    """Return a ClientHello for a torrent that does not exist."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = _context().wrap_bio(incoming, outgoing, server_hostname=secrets.token_hex(20))
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def addresses(count: int) -> list[str]:
    """Return that many addresses of this machine, none of them a member's."""
    return [f"127.{1 + number // 250}.7.{1 + number % 250}" for number in range(count)]


async def _secure(visit: Visit) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        sock=visit.connection, ssl=_context(), server_hostname="x", ssl_handshake_timeout=30
    )


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def main(manner: str, place: str, connections: int, sources: int) -> None:
    """Run all clients, until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    crowd = Crowd(MANNERS[manner], place, addresses(sources))
    visits = [asyncio.create_task(crowd.visit(number)) for number in range(connections)]
    await ended.wait()
    print(f"{manner}: connected {crowd.opened} times, {crowd.most} at a time", flush=True)
    for visit in visits:
        visit.cancel()
    await asyncio.wait(visits)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manner", choices=MANNERS)
    parser.add_argument("place")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--sources", type=int, default=8, help="addresses that they come from")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(PRIORITY)
    asyncio.run(main(options.manner, options.place, options.connections, options.sources))
