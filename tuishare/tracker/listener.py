"""An HTTP server that nobody can wear out: few connections, each of them short.

Owns a listening socket and the life of every connection from accept to close, TLS handshake included; aiohttp reads
and writes HTTP. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, TypeAlias

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from tuishare.errors import from_os_error
from tuishare.tracker.doorkeeper import Household, household, plain
from tuishare.tracker.peers import Address

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HANDSHAKE_SECONDS: Final = 5.0
_LONGEST_LINE: Final = 4_096
_LONGEST_HEADER: Final = 4_096
_HEADERS: Final = 32
_BACKLOG: Final = 256
_EXHAUSTED_SECONDS: Final = 0.5
"""To wait when this process may open no more files; asking again at once would only burn the processor."""
_GOODBYE_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)
_mute = logging.Logger("mute")
_mute.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a listener takes.

    Attributes:
        connections: at a time; one more is closed at once.
        connections_each: likewise from one address, or one /64 of IPv6.
        patience: seconds from the beginning of a connection to its end.
        admits: whether a connection from an address is taken at all.
    """

    connections: int
    connections_each: int
    patience: float
    admits: Callable[[Address], bool] = lambda _: True


class Listener:
    """Listens on one host and port; made by `open`, ended by `close`."""

    def __init__(
        self, server: _Server, bounds: Bounds, tls: ssl.SSLContext | None, door: socket.socket
    ) -> None:
        self._server = server
        self._bounds = bounds
        self._tls = tls
        self._door = door
        self._visits: set[asyncio.Task[None]] = set()
        self._crowd: Counter[Household] = Counter()
        self._accepting = asyncio.create_task(self._accept())

    @classmethod
    async def open(
        cls, handler: Handler, host: str, port: int, bounds: Bounds, tls: ssl.SSLContext | None = None
    ) -> Listener:
        """Begin to listen.

        Args:
            handler: answers one request.
            host: an address; empty: all of both families.
            port: 0: any free one.
            bounds: how much is taken.
            tls: for https.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        try:
            door = _listen(host, port)
        except OSError as error:
            raise from_os_error(error, f"listen on port {port} for the tracker") from error
        return cls(_Server(handler, bounds.patience), bounds, tls, door)

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
                await asyncio.sleep(_EXHAUSTED_SECONDS)
                continue
            host = plain(ip_address(name[0].partition("%")[0]))
            if self._has_room(host) and self._bounds.admits(host):
                self._take_in(connection, household(host))
            else:
                connection.close()

    def _has_room(self, host: Address) -> bool:
        bounds = self._bounds
        return (
            len(self._visits) < bounds.connections and self._crowd[household(host)] < bounds.connections_each
        )

    def _take_in(self, connection: socket.socket, home: Household) -> None:
        visit = asyncio.create_task(self._host(connection))
        self._visits.add(visit)
        self._crowd[home] += 1

        def see_off(visit: asyncio.Task[None]) -> None:
            connection.close()  # here, because a task that is cancelled at once never runs
            self._visits.discard(visit)
            self._crowd[home] -= 1
            if not self._crowd[home]:
                del self._crowd[home]

        visit.add_done_callback(see_off)

    async def _host(self, connection: socket.socket) -> None:
        """Let one connection live until it ends by itself or its time is over."""
        transport: asyncio.BaseTransport | None = None
        handshake = _HANDSHAKE_SECONDS if self._tls else None
        try:
            async with asyncio.timeout(self._bounds.patience):
                transport, handler = await asyncio.get_running_loop().connect_accepted_socket(
                    self._server, connection, ssl=self._tls, ssl_handshake_timeout=handshake
                )
                await self._server.left(handler)
        except (OSError, TimeoutError):
            pass  # a stranger who speaks no TLS, went away or was too slow: nobody has to know
        finally:
            if isinstance(transport, asyncio.Transport):
                transport.abort()


class _Server(web.Server):
    """Tells when a connection has ended, and says nothing of what strangers send."""

    def __init__(self, handler: Handler, patience: float) -> None:
        super().__init__(
            _guarded(handler),
            handler_cancellation=True,
            access_log=None,
            # It would quote malformed requests, passkeys and all, as errors, and as often as a stranger likes.
            logger=_mute,
            keepalive_timeout=patience,
            lingering_time=0,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_HEADER,
            max_headers=_HEADERS,
        )
        self._ends: dict[RequestHandler, asyncio.Event] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._ends[handler] = asyncio.Event()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if end := self._ends.pop(handler, None):
            end.set()

    async def left(self, handler: RequestHandler) -> None:
        """Wait for the end of a connection."""
        if end := self._ends.get(handler):
            await end.wait()


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
