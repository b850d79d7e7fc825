"""An HTTP server that withstands abuse: few connections, each of them short.

Owns a listening socket and every connection from accept to close, TLS handshake included; aiohttp reads and writes
HTTP. Must not know what is requested.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, TypeAlias

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from tuishare.errors import from_os_error
from tuishare.net.addresses import Address, unmapped
from tuishare.net.caller_addresses import OriginOf, itself
from tuishare.net.connection_slots import ConnectionSlot, ConnectionSlots

HttpHandler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HANDSHAKE_SECONDS: Final = 5
_LONGEST_LINE: Final = 4_096
_LONGEST_HEADER: Final = 4_096
_HEADERS: Final = 32
_BACKLOG: Final = 256
_QUIET_SECONDS: Final = 5.0
"""Timeout for the first byte, for a whole request after the handshake, and between two requests."""
_EXHAUSTED_SECONDS: Final = 0.5
"""Pause of accepting while no descriptor is free; retrying at once would only burn CPU."""
_FREED_SECONDS: Final = 0.05
"""Likewise after evicting a connection, which takes a moment to close."""
_SHUTDOWN_SECONDS: Final = 1.0
STRANGER_TLS_SECONDS: Final = 0.005
"""Between two TLS handshakes of strangers, so that they take at most a fifth of the event loop."""

_log = logging.getLogger(__name__)
_mute = logging.Logger("mute")
_mute.addHandler(logging.NullHandler())


class HttpListener:
    """Listens on one host and port; created by `open`, ended by `close`."""

    def __init__(
        self,
        handler: HttpHandler,
        slots: ConnectionSlots,
        tls: ssl.SSLContext | None,
        listening: socket.socket,
        origin_of: OriginOf,
    ) -> None:
        self._origin_of = origin_of
        self._server = _Server(handler, slots)
        self._slots = slots
        self._tls = tls
        self._socket = listening
        self._connections: set[asyncio.Task[None]] = set()
        self._turns = {preferred: asyncio.Lock() for preferred in (True, False)}
        self._accepting = asyncio.create_task(self._accept())

    @classmethod
    async def open(
        cls,
        handler: HttpHandler,
        host: str,
        port: int,
        slots: ConnectionSlots,
        tls: ssl.SSLContext | None = None,
        *,
        purpose: str = "the tracker",
        origin_of: OriginOf = itself,
    ) -> HttpListener:
        """Start listening.

        Args:
            handler: answers one request.
            host: an address; empty: all addresses of both families.
            port: 0: any free one.
            slots: the connection limits; may be shared with another listener.
            tls: for https.
            purpose: what listens, for an error.
            origin_of: tells who is behind an address.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        try:
            listening = _listen(host, port)
        except OSError as error:
            plain = OSError(error.errno, os.strerror(error.errno or 0))  # Python's text names an address, too
            raise from_os_error(plain, f"listen on port {port} for {purpose}") from error
        return cls(handler, slots, tls, listening, origin_of)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        tasks = (self._accepting, *self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()
        await self._server.shutdown(_SHUTDOWN_SECONDS)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, name = await loop.sock_accept(self._socket)
            except OSError:
                await asyncio.sleep(_FREED_SECONDS if self._slots.make_room() else _EXHAUSTED_SECONDS)
                continue
            host = self._origin_of(unmapped(ip_address(name[0].partition("%")[0])))
            slot = self._slots.take(host) if self._slots.bounds.admits(host) else None
            if slot is None:
                connection.close()
            else:
                self._start(connection, host, slot)
            await asyncio.sleep(
                0
            )  # otherwise the whole backlog would be accepted in one iteration of the loop

    def _start(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        task = asyncio.create_task(self._serve(connection, host, slot))
        slot.close = task.cancel
        self._connections.add(task)

        def finish(task: asyncio.Task[None]) -> None:
            connection.close()  # here, because a task that is cancelled before its first step never runs
            slot.close = _nothing  # drop the reference to the task and to everything in its frames
            self._connections.discard(task)
            self._slots.give_back(slot)

        task.add_done_callback(finish)

    async def _serve(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        """Serve one connection until it ends, is idle for too long, or reaches its lifetime."""
        transport: asyncio.Transport | None = None
        try:
            async with asyncio.timeout(self._slots.bounds.lifetime):
                # A silent connection costs its descriptor only: TLS and HTTP start with its first byte.
                async with asyncio.timeout(_QUIET_SECONDS):
                    await _readable(connection)
                slot.has_spoken = True
                with self._server.handler_for(_Connection(host, slot)) as handler:
                    transport = await self._connect(connection, handler, slot)
                    await self._server.wait_closed(handler)
        except (OSError, TimeoutError):
            pass  # not TLS, disconnected or too slow: nothing to report
        finally:
            if transport is not None:
                transport.abort()

    async def _connect(
        self, connection: socket.socket, handler: RequestHandler, slot: ConnectionSlot
    ) -> asyncio.Transport:
        """Attach a handler to its connection, after the TLS handshake if any; strangers are throttled."""
        loop = asyncio.get_running_loop()
        async with self._turns[slot.preferred]:
            # A handshake takes a millisecond of the loop, and hundreds may arrive at once.
            await asyncio.sleep(0 if slot.preferred or self._tls is None else STRANGER_TLS_SECONDS)
        if self._tls is None:
            transport, _ = await loop.connect_accepted_socket(lambda: handler, connection)
            return transport
        done = loop.create_future()
        tls = _Tls(
            *(loop, handler, self._tls, done), server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
        )
        transport, _ = await loop.connect_accepted_socket(lambda: tls, connection)
        try:
            await asyncio.wait((done,))
        except asyncio.CancelledError:
            transport.abort()
            raise
        if done.exception() is not None:
            transport.abort()
            # Raised here, the exception of `done` would refer to this frame, and so to itself and to the buffers of
            # the handshake, which would stay until the next garbage collection.
            raise ConnectionAbortedError
        return transport


class _Tls(SSLProtocol):
    """TLS with a buffer as large as one record (RFC 8446, 5.1): asyncio's own takes 256 KiB for each connection."""

    max_size = 16 * 1024


@dataclass(slots=True)
class _Connection:
    """An HTTP connection, after the TLS handshake if any."""

    host: Address
    slot: ConnectionSlot
    is_open: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Server(web.Server):
    """Signals the end of a connection, and logs nothing of what strangers send."""

    def __init__(self, handler: HttpHandler, slots: ConnectionSlots) -> None:
        super().__init__(
            self._noted(_guarded(handler)),
            handler_cancellation=True,
            access_log=None,
            # It would log malformed requests, passkeys included, and as often as an attacker likes.
            logger=_mute,
            keepalive_timeout=_QUIET_SECONDS,  # also counts from the start of the connection
            lingering_time=0,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_HEADER,
            max_headers=_HEADERS,
        )
        self._slots = slots
        self._open: dict[RequestHandler, _Connection] = {}

    @contextlib.contextmanager
    def handler_for(self, connection: _Connection) -> Iterator[RequestHandler]:
        """Provide the handler for a connection that is about to be opened."""
        handler = self()
        self._open[handler] = connection
        try:
            yield handler
        finally:
            del self._open[handler]

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if connection := self._open.get(handler):
            connection.is_open = True

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if connection := self._open.get(handler):
            connection.ended.set()

    async def wait_closed(self, handler: RequestHandler) -> None:
        """Wait until a connection is closed."""
        connection = self._open[handler]
        if connection.is_open:  # otherwise it was closed during its handshake
            await connection.ended.wait()

    def _noted(self, handler: HttpHandler) -> HttpHandler:
        """Wrap a handler to record when a connection is busy, and whether it is a member's."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            connection = self._open.get(request.protocol)
            if connection is None:  # closed in the meantime: the response is discarded
                return await handler(request)
            connection.slot.is_busy = True
            try:
                return await handler(request)
            finally:
                connection.slot.is_busy = False
                if self._slots.bounds.prefers(connection.host):
                    self._slots.prefer(connection.slot)

        return answer


def _nothing() -> None:
    """Do nothing: the connection is closed already."""


def _guarded(handler: HttpHandler) -> HttpHandler:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception:  # noqa: BLE001 (a failure must not close the connection without a response)
            _log.exception("Answering a request failed")
            return web.Response(status=500)

    return answer


def _listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; without a host on both families where available."""
    everywhere = host in {"", "::"} and socket.has_dualstack_ipv6()
    address = ("::" if everywhere else host or "0.0.0.0", port)  # noqa: S104 (it has to be reachable)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=everywhere)
    listening.setblocking(False)
    return listening


async def _readable(connection: socket.socket) -> None:
    """Wait until data was received, or the peer has closed."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        connection.recv(1, socket.MSG_PEEK)
        return
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
