"""The agent's side of the API: HTTP/JSON on a Unix socket.

Owns the rules for every request, the event streams, and the start and end of the server. The paths are those of
`tuishare.api.operations`; the answers come from the `AgentService`.
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

from tuishare.api.authenticator import Authenticator, PeerCredentials, require_allowed
from tuishare.api.codec import encode
from tuishare.api.error_body import Busy, check_protocol
from tuishare.api.kept_socket import KeptSocket, TellPlace
from tuishare.api.messages import PROTOCOL_HEADER
from tuishare.api.operation import SMALL_BODY, Operation
from tuishare.api.routes import BODY, Handler, Routes, headers, refusal
from tuishare.api.service import AgentService
from tuishare.api.unix_listener import UnixListener
from tuishare.errors import BadInput, NotFound, SystemFailed, TuishareError
from tuishare.net.descriptors import descriptor_limit, plan_descriptors

QUIET_SECONDS: Final = 10.0
"""Time limit for a request to arrive, again for its body, and for the next request on a kept connection."""

_LARGE_BODIES: Final = 2
"""How many bodies longer than `SMALL_BODY` are in memory at a time."""
_SHUTDOWN_SECONDS = 2.0
_ANSWER_SECONDS: Final = 30.0
"""Time limit for a client to read an answer of up to 64 MiB."""
_WRITE_SECONDS: Final = 5.0
"""Time limit for a client of an event stream to read its buffered lines."""

_log = logging.getLogger(__name__)


def _ignore(_place: Path | None) -> None:
    """Tell no one where the server listens."""


class ApiServer:
    """Serves one agent on one socket.

    Args:
        service: answers the requests.
        socket_path: where to listen; see `tuishare.api.unix_socket` for the requirements on its folder.
        spare: where to listen while `socket_path` is not possible; None: nowhere.
        tell_place: see `tuishare.api.kept_socket.TellPlace`.
        authenticator: identifies the sender of a request; by default only this process's user is answered.
        clients: connections at a time; half as many requests, and a quarter as many event streams.
        quiet: seconds for a request to arrive.
        unread: seconds for a client of an event stream to read.
    """

    def __init__(
        self,
        service: AgentService,
        socket_path: Path,
        *,
        spare: Path | None = None,
        tell_place: TellPlace = _ignore,
        authenticator: Authenticator | None = None,
        clients: int | None = None,
        quiet: float = QUIET_SECONDS,
        unread: float = _WRITE_SECONDS,
    ) -> None:
        self._service = service
        self._routes = Routes(service, self._events)
        self._places = (socket_path,) if spare in {None, socket_path} else (socket_path, spare)
        self._tell_place = tell_place
        self._authenticator = authenticator or PeerCredentials(os.geteuid())
        self._quiet, self._unread = quiet, unread
        self._most = clients or plan_descriptors(descriptor_limit()).clients
        self.stream_limit: Final = max(2, self._most // 4)
        self.request_limit: Final = max(2, self._most // 2)
        self._streams: set[asyncio.Task[Any]] = set()
        self._under_way = 0
        self._large = asyncio.Semaphore(_LARGE_BODIES)
        self._runner: web.AppRunner | None = None
        self._socket: KeptSocket | None = None

    async def start(self) -> None:
        """Start serving.

        Raises:
            BadConfiguration: other users can enter the socket's folder, or the path is not free.
            SystemFailed: another agent answers there, or the system refused.
        """
        # lingering: the rest of a refused body is not read
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            lingering_time=0,
            keepalive_timeout=self._quiet,  # also counted from the start of a connection
            auto_decompress=False,  # a body takes as much memory as was sent
        )
        await self._runner.setup()
        self._socket = KeptSocket(self._places, self._accept, self._tell_place)
        try:
            self._socket.open()
        except BaseException:
            self._socket = None
            await self._runner.cleanup()
            raise

    def _accept(self, listening: socket.socket) -> UnixListener:
        assert self._runner is not None
        assert self._runner.server is not None
        return UnixListener(listening, self._runner.server, self._most)

    async def stop(self) -> None:
        """End all streams, finish running answers, remove the socket. Does nothing if it was not started."""
        runner, kept = self._runner, self._socket
        self._runner = self._socket = None
        if kept is not None:
            await kept.close()
        if runner is not None:
            await runner.cleanup()
        if kept is not None:
            kept.remove()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        self._routes.add_to(application.router)
        application.on_shutdown.append(self._end_streams)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply the rules for every request: sender, version, size, number and time limit."""
        operation = self._routes.find(request)
        try:
            self._check_request(request, operation)
            async with self._large if _is_large(request, operation) else contextlib.nullcontext():
                request[BODY] = await self._receive(request, operation)
                with self._counted(request, operation):
                    response = await handler(request)
        except TuishareError as error:
            response = refusal(error)
        except web.HTTPException as error:
            response = refusal(_routing_error(request, error))
        except Exception:  # noqa: BLE001 (one failed answer must not end the connection without a response)
            _log.exception("Answering %s failed", request.path)
            response = refusal(
                SystemFailed(
                    "The agent failed to answer this request", hint="The agent's log has the details."
                )
            )
        await _send(request, response)
        return response

    async def _receive(self, request: web.Request, operation: Operation | None) -> bytes:
        """Read the body; never more of it is in memory than the operation allows.

        Raises:
            BadInput: it did not arrive, or not in time, or is too long.
        """
        limit = _body_limit(operation)
        try:
            async with asyncio.timeout(self._quiet):
                return await _read_body(request, limit)
        except TimeoutError:
            raise BadInput("This request did not arrive in time", hint="Send it at once.") from None
        except ConnectionError:  # not logged: a client could fill the log
            raise BadInput("This request did not arrive") from None

    @contextlib.contextmanager
    def _counted(self, request: web.Request, operation: Operation | None) -> Iterator[None]:
        """Count requests at work. Work continues after a client disconnects, so a limit on connections is not enough.

        Raises:
            Busy: the maximum number of requests is at work.
        """
        counts = operation is None or operation.counted
        if counts and self._under_way >= self.request_limit:
            raise Busy(
                f"The agent already works on {self._under_way} requests", hint="Try again when some are done."
            )
        self._under_way += counts
        try:
            with self._socket.listener.busy(request) if self._socket else contextlib.nullcontext():
                yield
        finally:
            self._under_way -= counts

    def _check_request(self, request: web.Request, operation: Operation | None) -> None:
        """Check the head of a request, before any of its body is read.

        Raises:
            Refused: its sender may not use the operation.
            ProtocolMismatch: the client uses another version.
            BadInput: it has a body where none is allowed, or one that is too long.
        """
        caller = self._authenticator.authenticate(request)
        theirs = request.headers.get(PROTOCOL_HEADER)
        # curl sends no version; a person reads its answer.
        if theirs is not None and not (operation and operation.any_version):
            check_protocol(theirs, they="client", we="agent")
        if operation is not None:
            require_allowed(caller, operation)
        if request.body_exists and (operation is None or operation.request is None):
            raise BadInput("This request takes no body", hint="Send it without data.")
        limit = _body_limit(operation)
        if (request.content_length or 0) > limit:
            raise _too_long(limit)

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
            async with contextlib.aclosing(self._service.events()) as events:
                async for event in events:
                    await asyncio.wait_for(response.write(encode(event) + b"\n"), self._unread)
        except (ConnectionError, TimeoutError):
            _log.debug("A client of the event stream has ended or does not read")
            _hang_up(request)
        except Exception:  # noqa: BLE001 (the answer has begun, so it can only be ended)
            _log.exception("An event stream failed")
        return response

    async def _end_streams(self, _application: web.Application) -> None:
        for task in tuple(self._streams):
            task.cancel()
        if self._streams:
            await asyncio.wait(tuple(self._streams), timeout=_SHUTDOWN_SECONDS)


def _body_limit(operation: Operation | None) -> int:
    return operation.body_limit if operation and operation.request else 0


def _is_large(request: web.Request, operation: Operation | None) -> bool:
    """Whether a body may be longer than `SMALL_BODY`."""
    length = request.content_length
    return (
        request.body_exists
        and _body_limit(operation) > SMALL_BODY
        and (length is None or length > SMALL_BODY)
    )


async def _read_body(request: web.Request, limit: int) -> bytes:
    """Read a body of unknown length.

    Raises:
        BadInput: it is longer than `limit` bytes; the rest is not read.
    """
    body = bytearray()
    async for chunk in request.content.iter_any():
        if len(body) + len(chunk) > limit:
            raise _too_long(limit)
        body += chunk
    return bytes(body)


def _too_long(limit: int) -> BadInput:
    return BadInput(f"The body of this request is longer than {limit:,} bytes", hint="Send less.")


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    """Send an answer with a time limit; aiohttp would wait indefinitely for a client that does not read."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await response.prepare(request)
            await response.write_eof()
    except (ConnectionError, TimeoutError):
        _log.debug("A client has ended or does not read its answer")
        _hang_up(request)


def _hang_up(request: web.Request) -> None:
    """End a connection at once, even if part of an answer was not read."""
    if request.transport is not None:
        request.transport.abort()


def _routing_error(request: web.Request, error: web.HTTPException) -> TuishareError:
    if error.status == web.HTTPNotFound.status_code:
        return NotFound("The agent has nothing at this path", hint="See /v1/status.")
    if error.status == web.HTTPMethodNotAllowed.status_code:
        return BadInput(
            f"This path does not take {request.method}", hint="Use GET to read and POST to change."
        )
    return BadInput(f"The agent does not understand this request: {error.reason}")
