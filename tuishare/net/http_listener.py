"""An HTTP server that nobody can wear out: few connections, each of them short.

Owns a listening socket and the life of every connection from accept to close, TLS handshake included; aiohttp reads
and writes HTTP. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
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
from tuishare.net.connection_slots import ConnectionSlot, ConnectionSlots

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HANDSHAKE_SECONDS: Final = 5
_LONGEST_LINE: Final = 4_096
_LONGEST_HEADER: Final = 4_096
_HEADERS: Final = 32
_BACKLOG: Final = 256
_QUIET_SECONDS: Final = 5.0
"""For the first byte, for a whole request after the handshake, and for another one after an answer."""
_EXHAUSTED_SECONDS: Final = 0.5
"""To wait when this process may open no more files; asking again at once would only burn the processor."""
_FREED_SECONDS: Final = 0.05
"""Likewise when a stranger's connection was just ended for the next one; it takes a moment to close."""
_GOODBYE_SECONDS: Final = 1.0
STRANGER_TLS_SECONDS: Final = 0.005
"""Between two TLS handshakes of strangers, so that they take a fifth of the loop at most."""

_log = logging.getLogger(__name__)
_mute = logging.Logger("mute")
_mute.addHandler(logging.NullHandler())


class Listener:
    """Listens on one host and port; made by `open`, ended by `close`."""

    def __init__(
        self, handler: Handler, slots: ConnectionSlots, tls: ssl.SSLContext | None, door: socket.socket
    ) -> None:
        self._server = _Server(handler, slots)
        self._slots = slots
        self._tls = tls
        self._door = door
        self._visits: set[asyncio.Task[None]] = set()
        self._turns = {preferred: asyncio.Lock() for preferred in (True, False)}
        self._accepting = asyncio.create_task(self._accept())

    @classmethod
    async def open(
        cls, handler: Handler, host: str, port: int, slots: ConnectionSlots, tls: ssl.SSLContext | None = None
    ) -> Listener:
        """Begin to listen.

        Args:
            handler: answers one request.
            host: an address; empty: all of both families.
            port: 0: any free one.
            slots: how much is taken; may be another listener's as well.
            tls: for https.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        try:
            door = _listen(host, port)
        except OSError as error:
            raise from_os_error(error, f"listen on port {port} for the tracker") from error
        return cls(handler, slots, tls, door)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._door.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        tasks = (self._accepting, *self._visits)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._door.close()
        await self._server.shutdown(_GOODBYE_SECONDS)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, name = await loop.sock_accept(self._door)
            except OSError:
                await asyncio.sleep(_FREED_SECONDS if self._slots.make_room() else _EXHAUSTED_SECONDS)
                continue
            host = unmapped(ip_address(name[0].partition("%")[0]))
            slot = self._slots.take(host) if self._slots.bounds.admits(host) else None
            if slot is None:
                connection.close()
            else:
                self._take_in(connection, host, slot)
            await asyncio.sleep(
                0
            )  # what waits to be accepted comes without it, all of it in one turn of the loop

    def _take_in(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        visit = asyncio.create_task(self._host(connection, host, slot))
        slot.leave = visit.cancel
        self._visits.add(visit)

        def see_off(visit: asyncio.Task[None]) -> None:
            connection.close()  # here, because a task that is cancelled at once never runs
            slot.leave = _nothing  # it refers to the task, which refers to all that was in its frames
            self._visits.discard(visit)
            self._slots.give_back(slot)

        visit.add_done_callback(see_off)

    async def _host(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        """Let one connection live until it ends by itself, does nothing for too long, or its time is over."""
        transport: asyncio.Transport | None = None
        try:
            async with asyncio.timeout(self._slots.bounds.patience):
                # One that says nothing costs no more than its descriptor: TLS and HTTP begin with its first byte.
                async with asyncio.timeout(_QUIET_SECONDS):
                    await _readable(connection)
                slot.has_spoken = True
                with self._server.expecting(_Visit(host, slot)) as handler:
                    transport = await self._connect(connection, handler, slot)
                    await self._server.attend(handler)
        except (OSError, TimeoutError):
            pass  # a stranger who speaks no TLS, went away or was too slow: nobody has to know
        finally:
            if transport is not None:
                transport.abort()

    async def _connect(
        self, connection: socket.socket, handler: RequestHandler, slot: ConnectionSlot
    ) -> asyncio.Transport:
        """Give a handler its connection, after the handshake where it is one of TLS; strangers wait their turn."""
        loop = asyncio.get_running_loop()
        async with self._turns[slot.preferred]:
            # A handshake takes a millisecond of the loop, and hundreds may come at once.
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
            # Raised from here, the exception of `done` would refer to this frame, and so to itself and to the buffers
            # of the handshake, which would stay until the next garbage collection.
            raise ConnectionAbortedError
        return transport


class _Tls(SSLProtocol):
    """TLS with a buffer as large as one record (RFC 8446, 5.1): asyncio's own takes 256 KiB for each connection."""

    max_size = 16 * 1024


@dataclass(slots=True)
class _Visit:
    """A connection that HTTP is spoken on, after its handshake if it has one."""

    host: Address
    slot: ConnectionSlot
    is_open: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Server(web.Server):
    """Tells when a connection has ended, and says nothing of what strangers send."""

    def __init__(self, handler: Handler, slots: ConnectionSlots) -> None:
        super().__init__(
            self._noted(_guarded(handler)),
            handler_cancellation=True,
            access_log=None,
            # It would quote malformed requests, passkeys and all, as errors, and as often as a stranger likes.
            logger=_mute,
            keepalive_timeout=_QUIET_SECONDS,  # counts from the beginning of the connection, too
            lingering_time=0,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_HEADER,
            max_headers=_HEADERS,
        )
        self._slots = slots
        self._visits: dict[RequestHandler, _Visit] = {}

    @contextlib.contextmanager
    def expecting(self, visit: _Visit) -> Iterator[RequestHandler]:
        """Have a handler for a connection that is about to be opened."""
        handler = self()
        self._visits[handler] = visit
        try:
            yield handler
        finally:
            del self._visits[handler]

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if visit := self._visits.get(handler):
            visit.is_open = True

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if visit := self._visits.get(handler):
            visit.ended.set()

    async def attend(self, handler: RequestHandler) -> None:
        """Wait for the end of a connection."""
        visit = self._visits[handler]
        if visit.is_open:  # else it was closed during its handshake
            await visit.ended.wait()

    def _noted(self, handler: Handler) -> Handler:
        """Take note of when a connection is busy, and whether it is a member's."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            visit = self._visits.get(request.protocol)
            if visit is None:  # ended meanwhile: nobody reads what is answered
                return await handler(request)
            visit.slot.is_busy = True
            try:
                return await handler(request)
            finally:
                visit.slot.is_busy = False
                if self._slots.bounds.prefers(visit.host):
                    self._slots.prefer(visit.slot)

        return answer


def _nothing() -> None:
    """End no connection: it has ended."""


def _guarded(handler: Handler) -> Handler:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception:  # noqa: BLE001 (one bad answer must not end the connection without a word)
            _log.exception("Answering a request failed")
            return web.Response(status=500)

    return answer


def _listen(host: str, port: int) -> socket.socket:
    """Open a port; without a host on both families where there are both."""
    everywhere = host in {"", "::"} and socket.has_dualstack_ipv6()
    address = ("::" if everywhere else host or "0.0.0.0", port)  # noqa: S104 (strangers have to reach it)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    door = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=everywhere)
    door.setblocking(False)
    return door


async def _readable(connection: socket.socket) -> None:
    """Return when something was received, or the other end has closed."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        connection.recv(1, socket.MSG_PEEK)
        return
    loop.add_reader(connection, heard.set)
    try:
        await heard.wait()
    finally:
        loop.remove_reader(connection)
