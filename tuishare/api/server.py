"""The agent's side of the API: HTTP/JSON on a Unix socket.

Owns routes, the rules for every request and the life of the server. Must not know how anything is answered:
that is the `AgentService`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp import web

from tuishare.api.door import check_peer, close_door, open_door
from tuishare.api.failures import Busy, check_protocol, describe, status_of
from tuishare.api.messages import PROTOCOL, PROTOCOL_HEADER, DownloadId, Message, ShareId, Stopping
from tuishare.api.orders import DownloadOrder, NewShare, ShareOrder, Taken
from tuishare.api.service import AgentService
from tuishare.api.stream import Pace, follow
from tuishare.api.wire import decode_order, encode
from tuishare.errors import BadInput, NotFound, SystemFailed, TuishareError

STREAM_LIMIT: Final = 32
"""How many event streams are served at a time."""

NEW_SHARE_PATH: Final = "/v1/shares"
"""The one route that takes a body."""

BODY_LIMIT: Final = 512 * 1024
"""Longest body, bytes: 1,024 recipients with long names stay below it."""

ACTIVITY_LIMIT: Final = 10_000
"""How much of what happened is told at most; as many as there can be."""

STOP_PATH: Final = "/v1/stop"
"""The one route that serves every protocol version: after an upgrade, the old agent can still be stopped."""

_SHUTDOWN_SECONDS = 2.0
_WRITE_SECONDS = 30.0

OrderT = TypeVar("OrderT", bound=StrEnum)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
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
        application.router.add_get("/v1/status", self._status)
        application.router.add_get("/v1/shares", self._shares)
        application.router.add_get("/v1/downloads", self._downloads)
        application.router.add_get("/v1/activity", self._activity)
        application.router.add_get("/v1/events", self._events)
        application.router.add_post(NEW_SHARE_PATH, self._new_share)
        application.router.add_post("/v1/shares/{id}/{order}", self._order_share)
        application.router.add_post("/v1/downloads/{id}/{order}", self._order_download)
        application.router.add_post("/v1/reload", self._reload)
        application.router.add_post(STOP_PATH, self._stop)
        application.on_shutdown.append(self._end_streams)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Apply to every request what holds for all: who, which version, no body, errors in one form."""
        try:
            check_peer(_connection(request), self._owner)
            _check_request(request)
            return await handler(request)
        except TuishareError as error:
            return _refusal(error)
        except web.HTTPException as error:
            return _refusal(_routing_error(request, error))
        except Exception:  # noqa: BLE001 (one bad answer must not end the connection without a word)
            _log.exception("Answering %s failed", request.path)
            return _refusal(
                SystemFailed(
                    "The agent failed to answer this request", hint="The agent's log has the details."
                )
            )

    async def _status(self, _request: web.Request) -> web.Response:
        return _answer(self._service.status())

    async def _shares(self, _request: web.Request) -> web.Response:
        return _answer(list(self._service.shares()))

    async def _downloads(self, _request: web.Request) -> web.Response:
        return _answer(list(self._service.downloads()))

    async def _activity(self, request: web.Request) -> web.Response:
        return _answer(list(await self._service.activity(_limit(request))))

    async def _new_share(self, request: web.Request) -> web.Response:
        new = decode_order(await request.read(), NewShare)
        return _answer(Taken(id=await self._service.share(new)))

    async def _order_share(self, request: web.Request) -> web.Response:
        share, order = request.match_info["id"], _order(request, ShareOrder)
        await self._service.order_share(ShareId(share), order)
        return _answer(Taken(id=share))

    async def _order_download(self, request: web.Request) -> web.Response:
        download, order = request.match_info["id"], _order(request, DownloadOrder)
        await self._service.order_download(DownloadId(download), order)
        return _answer(Taken(id=download))

    async def _reload(self, _request: web.Request) -> web.Response:
        return _answer(await self._service.reload())

    async def _stop(self, _request: web.Request) -> web.Response:
        pid = self._service.status().pid
        await self._service.stop()
        return _answer(Stopping(pid=pid))

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
        response = web.StreamResponse(headers=_headers("application/x-ndjson"))
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


def _check_request(request: web.Request) -> None:
    theirs = request.headers.get(PROTOCOL_HEADER)
    # curl sends no version, and that is fine: a person reads the answer.
    if theirs is not None and request.path != STOP_PATH:
        check_protocol(theirs, they="client", we="agent")
    if request.body_exists and (request.method, request.path) != ("POST", NEW_SHARE_PATH):
        raise BadInput("This request takes no body", hint="Send it without data.")


def _order(request: web.Request, kind: type[OrderT]) -> OrderT:
    """Read which order a path names.

    Raises:
        NotFound: there is no such order.
    """
    try:
        return kind(request.match_info["order"])
    except ValueError:
        known = ", ".join(kind)
        raise NotFound("The agent knows no such order", hint=f"It knows: {known}.") from None


def _limit(request: web.Request) -> int:
    """Read how many are asked for; 100 if nothing is said.

    Raises:
        BadInput: that is no such number.
    """
    text = request.query.get("limit", "100")
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 0 < int(text) <= ACTIVITY_LIMIT):
        raise BadInput(f"The limit is no number from 1 to {ACTIVITY_LIMIT}", hint="Leave it out for 100.")
    return int(text)


def _routing_error(request: web.Request, error: web.HTTPException) -> TuishareError:
    if error.status == web.HTTPNotFound.status_code:
        return NotFound("The agent has nothing at this path", hint="See /v1/status.")
    if error.status == web.HTTPMethodNotAllowed.status_code:
        return BadInput(f"This path does not take {request.method}", hint="GET asks, POST orders.")
    if error.status == web.HTTPRequestEntityTooLarge.status_code:
        return BadInput(f"This request is longer than {BODY_LIMIT:,} bytes")
    return BadInput(f"The agent does not understand this request: {error.reason}")


def _headers(content_type: str) -> dict[str, str]:
    return {PROTOCOL_HEADER: str(PROTOCOL), "Content-Type": content_type, "Cache-Control": "no-store"}


def _answer(message: Message | list[Any], status: int = 200) -> web.Response:
    return web.Response(body=encode(message) + b"\n", status=status, headers=_headers("application/json"))


def _refusal(error: TuishareError) -> web.Response:
    response = _answer(describe(error), status_of(error))
    response.force_close()
    return response
