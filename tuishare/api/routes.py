"""The routes of the server, made from the table of operations.

Owns how a request reaches the method of the `AgentService` and how its answer is sent. Must not know individual
operations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from tuishare.api.codec import encode
from tuishare.api.error_body import describe, status_of
from tuishare.api.messages import PROTOCOL, PROTOCOL_HEADER, Message
from tuishare.api.operation import Operation
from tuishare.api.operations import CALLS, EVENTS
from tuishare.api.service import AgentService
from tuishare.errors import TuishareError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY: Final = web.RequestKey("body", bytes)
"""Where a request holds its body, after it was read within its limit."""


class Routes:
    """The routes to one agent.

    Args:
        service: answers the requests.
        stream: handles the event stream.
    """

    def __init__(self, service: AgentService, stream: Handler) -> None:
        self._handlers: dict[Operation, Handler] = {EVENTS: stream}
        for operation in CALLS:
            self._handlers[operation] = _handler(operation, getattr(service, operation.name))
        self._operations = {handler: operation for operation, handler in self._handlers.items()}

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add all routes; the first that matches a request handles it."""
        for operation, handler in self._handlers.items():
            add = router.add_get if operation.method == "GET" else router.add_post
            add(operation.path, handler)

    def find(self, request: web.Request) -> Operation | None:
        """Return the operation of a request, or None."""
        return self._operations.get(request.match_info.handler)


def answer(message: Message | list[Any], status: int = 200) -> web.Response:
    """Return a response with a message."""
    return web.Response(body=encode(message) + b"\n", status=status, headers=headers("application/json"))


def refusal(error: TuishareError) -> web.Response:
    """Return a response with an error; it closes the connection."""
    response = answer(describe(error), status_of(error))
    response.force_close()
    return response


def headers(content_type: str) -> dict[str, str]:
    """Return the headers of every response."""
    return {PROTOCOL_HEADER: str(PROTOCOL), "Content-Type": content_type, "Cache-Control": "no-store"}


def _handler(operation: Operation, perform: Callable[..., Awaitable[Any]]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return answer(await perform(**operation.decode(request.match_info, request.query, request[BODY])))

    return handle
