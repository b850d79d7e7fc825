"""One client's connection to one agent: requests, answers, streams of lines.

Owns the connection pool, the limits on what is read, and the errors for an agent that does not answer. Must not know
the operations.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from tuishare.api.codec import LINE_LIMIT, decode, encode_request
from tuishare.api.error_body import AgentNotRunning, check_protocol, to_exception
from tuishare.api.messages import PROTOCOL, PROTOCOL_HEADER, ErrorBody, Message
from tuishare.core.home_lock import find_agent
from tuishare.errors import AgentUnreachable, TuishareError, VerificationFailed

if TYPE_CHECKING:
    import aiohttp

SILENCE_SECONDS: Final = 15.0
"""How long an event stream may be silent before the agent counts as lost: three heartbeats."""

_ANSWER_SECONDS = 10.0
_ORDER_SECONDS = 600.0
"""For requests that change something: deleting millions of files takes long, and continues without a client."""
_KEEPALIVE_SECONDS = 5.0
"""How long an idle connection is kept. The agent keeps it longer, so no request meets a closed connection."""
START_HINT: Final = "Start it with: tuishare agent"
_STUCK = "It runs as process {pid}: wait a few seconds; if it stays silent, end it with: kill -9 {pid}"

M = TypeVar("M")


class Connection:
    """Connections to one agent. An async context manager.

    Args:
        socket_path: of the agent.
        lock_file: of its home; names the socket of the agent that runs, if that is another one.
        silence: seconds without a line after which an event stream counts as lost.
    """

    def __init__(
        self, socket_path: Path, *, lock_file: Path | None = None, silence: float = SILENCE_SECONDS
    ) -> None:
        self._usual = self._path = socket_path
        self._lock_file = lock_file
        self._silence = silence
        self._is_open = False
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_open = False
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self,
        method: str,
        path: str,
        kind: type[M],
        *,
        any_version: bool = False,
        body: Message | None = None,
    ) -> M:
        """Send one request and read its answer.

        Raises:
            AgentNotRunning: no agent answers, so nothing was done.
            AgentUnreachable: the answer did not come in time or not whole, or in another protocol version.
            BadInput: a text in the request is not UTF-8.
            TuishareError: the agent's error.
        """
        total = _ANSWER_SECONDS if method == "GET" else _ORDER_SECONDS
        async with self._request(method, path, total=total, body=body) as answer:
            await _check(answer, any_version=any_version)
            return decode(await _body(answer.content), kind)

    async def lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """Read a stream line by line until the agent is lost.

        Raises:
            AgentUnreachable: no agent answers, the stream ended, or it was silent for too long.
            TuishareError: the agent's error.
        """
        async with self._request("GET", path, silence=self._silence) as answer:
            await _check(answer)
            async for line in _lines(answer.content):
                yield line
        raise AgentUnreachable("The agent ended the connection", hint=START_HINT)

    @contextlib.asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        total: float | None = None,
        silence: float | None = None,
        body: Message | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        import aiohttp  # see `_connect`

        agent = find_agent(self._lock_file) if self._lock_file else None
        hint = START_HINT if agent is None else _STUCK.format(pid=agent.pid)
        await self._turn_to(agent.socket if agent else self._usual)
        try:
            async with self._connect().request(
                method,
                path,
                data=None if body is None else io.BytesIO(encode_request(body)),
                timeout=aiohttp.ClientTimeout(total=total, connect=_ANSWER_SECONDS, sock_read=silence),
                allow_redirects=False,
            ) as answer:
                yield answer
        except PermissionError as error:
            raise AgentUnreachable(
                f"The agent's socket {self._path} belongs to another user",
                hint="Run this command as that user.",
            ) from error
        except TimeoutError as error:
            raise AgentUnreachable("The agent does not answer in time", hint=hint) from error
        except aiohttp.ClientPayloadError as error:
            raise AgentUnreachable("The agent ended in the middle of an answer", hint=hint) from error
        except aiohttp.ClientConnectorError as error:
            raise AgentNotRunning(f"No agent answers on {self._path}", hint=hint) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AgentUnreachable(f"No agent answers on {self._path}", hint=hint) from error

    async def _turn_to(self, path: Path) -> None:
        """Use that socket from now on: an agent may have another one since the last request."""
        if path == self._path:
            return
        self._path = path
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _connect(self) -> aiohttp.ClientSession:
        """Return the connection pool; the first request creates it."""
        import aiohttp  # takes 0.1 s to import; the dashboard draws before that

        assert self._is_open, "use the client in an async with"
        if self._session is None:
            self._session = aiohttp.ClientSession(
                base_url="http://agent",
                connector=aiohttp.UnixConnector(path=str(self._path), keepalive_timeout=_KEEPALIVE_SECONDS),
                headers={PROTOCOL_HEADER: str(PROTOCOL)},
                trust_env=False,
            )
        return self._session


async def _check(answer: aiohttp.ClientResponse, *, any_version: bool = False) -> None:
    if not any_version:
        check_protocol(answer.headers.get(PROTOCOL_HEADER), they="agent", we="client")
    if answer.status != 200:
        raise await _failure(answer)


async def _failure(answer: aiohttp.ClientResponse) -> TuishareError:
    return to_exception(decode(await _body(answer.content), ErrorBody))


async def _body(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        _limit(len(body))
    return bytes(body)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split a stream into lines. `StreamReader.readline` stops at 128 KiB; a snapshot may be longer."""
    pending = bytearray()
    async for chunk in content.iter_any():
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            yield bytes(pending + part)
            pending.clear()
        pending += rest
        _limit(len(pending))


def _limit(length: int) -> None:
    if length > LINE_LIMIT:
        raise VerificationFailed(f"The agent's answer is longer than {LINE_LIMIT:,} bytes")
