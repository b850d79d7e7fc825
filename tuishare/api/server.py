"""The agent's side of the API: HTTP/JSON on a Unix socket.

Owns the rules for every request, the event streams and the life of the server; which path leads to what is
`tuishare.api.routes`. Must not know how anything is answered: that is the `AgentService`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from tuishare.api.codec import encode
from tuishare.api.error_body import Busy, check_protocol
from tuishare.api.event_stream import StreamTiming, follow
from tuishare.api.messages import PROTOCOL_HEADER
from tuishare.api.routes import STOP_PATH, Handler, Routes, headers, refusal
from tuishare.api.service import AgentService
from tuishare.api.unix_listener import Listener
from tuishare.api.unix_socket import bind_socket, check_peer, close_socket
from tuishare.errors import BadInput, NotFound, SystemFailed, TuishareError
from tuishare.net.descriptors import descriptor_limit, plan_descriptors

BODY_LIMIT: Final = 6 * 1024 * 1024
"""Longest body, bytes: a settings file of a million characters stays below it, each escaped."""

LARGE_BODY: Final = 64 * 1024
"""Bytes beyond which only `_LARGE_BODIES` are in memory at a time; only a settings file is ever as long."""

QUIET_SECONDS: Final = 10.0
"""For a request to arrive, and for its body again; and for the next one on a connection that stays."""

_LARGE_BODIES: Final = 2
_SHUTDOWN_SECONDS = 2.0
_ANSWER_SECONDS: Final = 30.0
"""For a client to read an answer, which has up to 64 MiB."""
_WRITE_SECONDS: Final = 5.0
"""For a client of an event stream to read what stands in its buffer."""
_EVENTS_PATH: Final = "/v1/events"
_UNCOUNTED: Final = frozenset({"/v1/status", STOP_PATH, _EVENTS_PATH})
"""What is answered however much is under way: it takes no time, or has a bound of its own."""

_log = logging.getLogger(__name__)


class ApiServer:
    """Serves one agent on one socket.

    Args:
        service: who answers.
        socket_path: where to listen; see `tuishare.api.unix_socket` for what is required of its folder.
        pace: of the event streams.
        owner: user id that may connect; our own by default.
        clients: connections at a time; half as many requests, and a quarter as many event streams.
        quiet: seconds for a request to arrive.
        unread: seconds for a client of an event stream to read.
    """

    def __init__(
        self,
        service: AgentService,
        socket_path: Path,
        *,
        pace: StreamTiming | None = None,
        owner: int | None = None,
        clients: int | None = None,
        quiet: float = QUIET_SECONDS,
        unread: float = _WRITE_SECONDS,
    ) -> None:
        self._service = service
        self._routes = Routes(service)
        self._path = socket_path
        self._pace = pace or StreamTiming()
        self._owner = os.geteuid() if owner is None else owner
        self._quiet, self._unread = quiet, unread
        self._most = clients or plan_descriptors(descriptor_limit()).clients
        self.stream_limit: Final = max(2, self._most // 4)
        self.request_limit: Final = max(2, self._most // 2)
        self._streams: set[asyncio.Task[Any]] = set()
        self._under_way = 0
        self._large = asyncio.Semaphore(_LARGE_BODIES)
        self._runner: web.AppRunner | None = None
        self._door: socket.socket | None = None
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            BadConfiguration: the socket's folder can be entered by others, or the path is not free.
            SystemFailed: another agent answers there, or the system refused.
        """
        self._door = bind_socket(self._path)
        # lingering: a body that nobody wants is not read to its end
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            lingering_time=0,
            keepalive_timeout=self._quiet,  # counts from the beginning of a connection, too
        )
        await self._runner.setup()
        assert self._runner.server is not None
        self._listener = Listener(self._door, self._runner.server, self._most)

    async def stop(self) -> None:
        """End all streams, finish the answers under way, remove the socket. Harmless when not started."""
        runner, door, listener = self._runner, self._door, self._listener
        self._runner = self._door = self._listener = None
        if listener is not None:
            await listener.close()
        if runner is not None:
            await runner.cleanup()
        if door is not None:
            close_socket(door, self._path)

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_LIMIT)
        application.router.add_get(_EVENTS_PATH, self._events)
        self._routes.add_to(application.router)
        application.on_shutdown.append(self._end_streams)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply to every request what holds for all: who, which version, how large, how many, how long."""
        try:
            check_peer(_connection(request), self._owner)
            self._check_request(request)
            async with self._large if _is_large(request) else contextlib.nullcontext():
                await self._receive(request)
                with self._counted(request):
                    response = await handler(request)
        except TuishareError as error:
            response = refusal(error)
        except web.HTTPException as error:
            response = refusal(_routing_error(request, error))
        except Exception:  # noqa: BLE001 (one bad answer must not end the connection without a word)
            _log.exception("Answering %s failed", request.path)
            response = refusal(
                SystemFailed(
                    "The agent failed to answer this request", hint="The agent's log has the details."
                )
            )
        await _send(request, response)
        return response

    async def _receive(self, request: web.Request) -> None:
        """Read the body, of which the handler finds a copy.

        Raises:
            BadInput: it did not arrive, or not in time.
        """
        try:
            async with asyncio.timeout(self._quiet):
                await request.read()
        except TimeoutError:
            raise BadInput("This request did not arrive in time", hint="Send it at once.") from None
        except ConnectionError:  # of no use to a log, which a client could fill with it
            raise BadInput("This request did not arrive") from None

    @contextlib.contextmanager
    def _counted(self, request: web.Request) -> Iterator[None]:
        """Count what is answered; it goes on when the client hangs up, so connections alone bound nothing.

        Raises:
            Busy: as much is under way as may be.
        """
        counts = request.path not in _UNCOUNTED
        if counts and self._under_way >= self.request_limit:
            raise Busy(
                f"The agent already works on {self._under_way} requests", hint="Try again when some are done."
            )
        self._under_way += counts
        try:
            with self._listener.busy(request) if self._listener else contextlib.nullcontext():
                yield
        finally:
            self._under_way -= counts

    def _check_request(self, request: web.Request) -> None:
        theirs = request.headers.get(PROTOCOL_HEADER)
        # curl sends no version, and that is fine: a person reads the answer.
        if theirs is not None and request.path != STOP_PATH:
            check_protocol(theirs, they="client", we="agent")
        if request.body_exists and not self._routes.takes_body(request):
            raise BadInput("This request takes no body", hint="Send it without data.")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._streams) >= self.stream_limit:
            raise Busy(
                f"The agent already serves {self.stream_limit} event streams",
                hint="Close another dashboard first.",
            )
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            return await self._stream(request)
        finally:
            self._streams.discard(task)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers("application/x-ndjson"))
        await response.prepare(request)
        try:
            async with contextlib.aclosing(follow(self._service, self._pace)) as events:
                async for event in events:
                    await asyncio.wait_for(response.write(encode(event) + b"\n"), self._unread)
        except (ConnectionError, TimeoutError):
            _log.debug("A client of the event stream is gone or stuck")
            _hang_up(request)
        except Exception:  # noqa: BLE001 (the answer has begun: all that is left is to end it)
            _log.exception("An event stream failed")
        return response

    async def _end_streams(self, _application: web.Application) -> None:
        for task in tuple(self._streams):
            task.cancel()
        if self._streams:
            await asyncio.wait(tuple(self._streams), timeout=_SHUTDOWN_SECONDS)


def _is_large(request: web.Request) -> bool:
    length = request.content_length
    return request.body_exists and (length is None or length > LARGE_BODY)


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    """Send an answer here, because aiohttp would wait without end for a client that does not read it."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await response.prepare(request)
            await response.write_eof()
    except (ConnectionError, TimeoutError):
        _log.debug("A client is gone, or does not read its answer")
        _hang_up(request)


def _hang_up(request: web.Request) -> None:
    """End a connection at once, whatever of an answer is still to be read."""
    if request.transport is not None:
        request.transport.abort()


def _connection(request: web.Request) -> socket.socket:
    connection = request.get_extra_info("socket")
    if connection is None:
        raise SystemFailed("The connection is already closed")
    return connection  # type: ignore[no-any-return]


def _routing_error(request: web.Request, error: web.HTTPException) -> TuishareError:
    if error.status == web.HTTPNotFound.status_code:
        return NotFound("The agent has nothing at this path", hint="See /v1/status.")
    if error.status == web.HTTPMethodNotAllowed.status_code:
        return BadInput(f"This path does not take {request.method}", hint="GET asks, POST orders.")
    if error.status == web.HTTPRequestEntityTooLarge.status_code:
        return BadInput(f"This request is longer than {BODY_LIMIT:,} bytes")
    return BadInput(f"The agent does not understand this request: {error.reason}")
