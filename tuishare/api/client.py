"""The client's side of the API, for the dashboard and the commands.

Owns only how operations and the event stream use one connection: its methods are the rows of
`tuishare.api.operations`, documented in `tuishare.api.service.AgentService`. Must not start agents.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tuishare.api.codec import decode_event
from tuishare.api.connection import SILENCE_SECONDS, Connection
from tuishare.api.messages import Changes, Heartbeat, Snapshot
from tuishare.api.operation import ClientMethod, OperationCall
from tuishare.api.operations import EVENTS, Operations
from tuishare.home_paths import Places

R = TypeVar("R")


class AgentClient(Operations):
    """Client of the agent on one socket. An async context manager; a `tuishare.api.service.AgentService`.

    Args:
        socket_path: of the agent.
        lock_file: of the home; the agent that holds it is asked, wherever its socket is. None: the agent at
            `socket_path` is.
        silence: seconds without a line after which an event stream counts as lost.
    """

    def __init__(
        self, socket_path: Path, *, lock_file: Path | None = None, silence: float = SILENCE_SECONDS
    ) -> None:
        self._connection = Connection(socket_path, lock_file=lock_file, silence=silence)

    @classmethod
    def of_home(cls, places: Places) -> Self:
        """Return a client of the agent of a home.

        Raises:
            BadConfiguration: the path of the socket is too long.
        """
        return cls(places.socket, lock_file=places.lock_file)

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connection.__aexit__(kind, error, trace)

    async def perform(self, operation: ClientMethod[..., R], call: OperationCall) -> R:
        """Send one call and return its answer.

        Raises:
            AgentUnreachable: no agent answers, or one of another protocol version.
            TuishareError: the agent's error.
        """
        answer: Any = await self._connection.ask(
            operation.method,
            call.target,
            operation.response,
            any_version=operation.any_version,
            body=call.body,
        )
        return answer  # type: ignore[no-any-return]

    async def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        """Follow the agent: yield a snapshot, then changes, until the connection is lost.

        Raises:
            AgentUnreachable: no agent answers, the stream ended, or it was silent for too long.
            TuishareError: the agent's error.
        """
        async with contextlib.aclosing(self._connection.lines(EVENTS.path)) as lines:
            async for line in lines:
                event = decode_event(line)
                if not isinstance(event, Heartbeat):
                    yield event
