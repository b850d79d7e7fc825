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
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from tuishare.api.door import check_peer, close_door, open_door
from tuishare.api.failures import Busy, check_protocol
from tuishare.api.messages import PROTOCOL_HEADER
from tuishare.api.routes import STOP_PATH, Handler, Routes, headers, refusal
from tuishare.api.service import AgentService
from tuishare.api.stream import Pace, follow
from tuishare.api.wire import encode
from tuishare.errors import BadInput, NotFound, SystemFailed, TuishareError

STREAM_LIMIT: Final = 32
"""How many event streams are served at a time."""

BODY_LIMIT: Final = 6 * 1024 * 1024
"""Longest body, bytes: a settings file of a million characters stays below it, each escaped."""

_SHUTDOWN_SECONDS = 2.0
_WRITE_SECONDS = 30.0

_log = logging.getLogger(__name__)


class ApiServer:
    """Serves one agent on one socket.

    Args:
        service: who answers.
        socket_path: where to listen; see `tuishare.api.door` for what is required of its folder.
        pace: of the event streams.
        owner: user id that may connect; our own by default.
    """

    def __init__(
        self, service: AgentService, socket_path: Path, *, pace: Pace | None = None, owner: int | None = None
    ) -> None:
        self._service = service
        self._routes = Routes(service)
        self._path = socket_path
        self._pace = pace or Pace()
        self._owner = os.geteuid() if owner is None else owner
        self._streams: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._door: socket.socket | None = None

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            BadConfiguration: the socket's folder can be entered by others, or the path is not free.
            SystemFailed: another agent answers there, or the system refused.
        """
        self._door = open_door(self._path)
        # lingering: a body that nobody wants is not read to its end
        self._runner = web.AppRunner(self._application(), access_log=None, lingering_time=0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._door).start()

    async def stop(self) -> None:
        """End all streams, finish the answers under way, remove the socket. Harmless when not started."""
        runner, door = self._runner, self._door
        self._runner = self._door = None
        if runner is not None:
            await runner.cleanup()
        if door is not None:
            close_door(door, self._path)

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_LIMIT)
        application.router.add_get("/v1/events", self._events)
        self._routes.add_to(application.router)
        application.on_shutdown.append(self._end_streams)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply to every request what holds for all: who, which version, no body, errors in one form."""
        try:
            check_peer(_connection(request), self._owner)
            self._check_request(request)
            return await handler(request)
        except TuishareError as error:
            return refusal(error)
        except web.HTTPException as error:
            return refusal(_routing_error(request, error))
        except Exception:  # noqa: BLE001 (one bad answer must not end the connection without a word)
            _log.exception("Answering %s failed", request.path)
            return refusal(
                SystemFailed(
                    "The agent failed to answer this request", hint="The agent's log has the details."
                )
            )

    def _check_request(self, request: web.Request) -> None:
        theirs = request.headers.get(PROTOCOL_HEADER)
        # curl sends no version, and that is fine: a person reads the answer.
        if theirs is not None and request.path != STOP_PATH:
            check_protocol(theirs, they="client", we="agent")
        if request.body_exists and not self._routes.takes_body(request):
            raise BadInput("This request takes no body", hint="Send it without data.")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._streams) >= STREAM_LIMIT:
            raise Busy(
                f"The agent already serves {STREAM_LIMIT} event streams",
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
                    await asyncio.wait_for(response.write(encode(event) + b"\n"), _WRITE_SECONDS)
        except (ConnectionError, TimeoutError):
            _log.debug("A client of the event stream is gone or stuck")
        except Exception:  # noqa: BLE001 (the answer has begun: all that is left is to end it)
            _log.exception("An event stream failed")
        return response

    async def _end_streams(self, _application: web.Application) -> None:
        for task in tuple(self._streams):
            task.cancel()
        if self._streams:
            await asyncio.wait(tuple(self._streams), timeout=_SHUTDOWN_SECONDS)


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
