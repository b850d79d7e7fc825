"""The client's side of the API, for the dashboard and the commands.

Owns one connection pool to one agent, and the words for an agent that does not answer. Must not start agents.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import quote

import aiohttp

from tuishare.api.failures import check_protocol, revive
from tuishare.api.messages import (
    PROTOCOL,
    PROTOCOL_HEADER,
    Activity,
    Changes,
    Download,
    Failure,
    Heartbeat,
    Reloaded,
    Share,
    Snapshot,
    Status,
    Stopping,
)
from tuishare.api.orders import DownloadOrder, NewShare, ShareOrder, Taken
from tuishare.api.wire import LINE_LIMIT, decode, decode_event, encode
from tuishare.errors import AgentUnreachable, TuishareError, VerificationFailed

SILENCE_SECONDS: Final = 15.0
"""How long an event stream may be silent before the agent counts as lost: three heartbeats."""

_ANSWER_SECONDS = 10.0
_HINT = "Start it with: tuishare agent"

M = TypeVar("M")


class AgentClient:
    """Talks to the agent on one socket. An async context manager.

    Args:
        socket_path: of the agent.
        silence: seconds without a line after which an event stream counts as dead.
    """

    def __init__(self, socket_path: Path, *, silence: float = SILENCE_SECONDS) -> None:
        self._path = socket_path
        self._silence = silence
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url="http://agent",
            connector=aiohttp.UnixConnector(path=str(self._path)),
            headers={PROTOCOL_HEADER: str(PROTOCOL)},
            timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def status(self) -> Status:
        """Ask about the agent itself.

        Raises:
            AgentUnreachable: nobody answers, or in another protocol version.
            TuishareError: what the agent said instead of an answer. This and the above hold for every method.
        """
        return await self._ask("GET", "/v1/status", Status)

    async def shares(self) -> list[Share]:
        """Ask what is published; errors as for `status`."""
        return await self._ask("GET", "/v1/shares", list[Share])

    async def downloads(self) -> list[Download]:
        """Ask what is received; errors as for `status`."""
        return await self._ask("GET", "/v1/downloads", list[Download])

    async def activity(self, limit: int = 100) -> list[Activity]:
        """Ask for the last of what happened, newest first; errors as for `status`."""
        return await self._ask("GET", f"/v1/activity?limit={limit}", list[Activity])

    async def share(self, new: NewShare) -> str:
        """Share a file or folder; returns the id of the share. Errors as for `status`."""
        return (await self._ask("POST", "/v1/shares", Taken, body=new)).id

    async def order_share(self, share: str, order: ShareOrder) -> None:
        """Do something with a share; errors as for `status`."""
        await self._ask("POST", f"/v1/shares/{quote(share, safe='')}/{order}", Taken)

    async def order_download(self, download: str, order: DownloadOrder) -> None:
        """Do something with a download; errors as for `status`."""
        await self._ask("POST", f"/v1/downloads/{quote(download, safe='')}/{order}", Taken)

    async def reload(self) -> Reloaded:
        """Ask the agent to read settings and user book again.

        Raises:
            BadConfiguration: a file is not usable; what was in force before stays so. Else errors as for `status`.
        """
        return await self._ask("POST", "/v1/reload", Reloaded)

    async def stop(self) -> Stopping:
        """Ask the agent to stop, whatever its protocol version; errors as for `status`."""
        return await self._ask("POST", "/v1/stop", Stopping, any_version=True)

    async def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        """Follow the agent: a snapshot, then changes, until it is lost.

        Raises:
            AgentUnreachable: nobody answers, the stream ended, or it was silent for too long.
            TuishareError: what the agent said instead of an answer.
        """
        patience = aiohttp.ClientTimeout(total=None, connect=_ANSWER_SECONDS, sock_read=self._silence)
        async with self._request("GET", "/v1/events", patience=patience) as answer:
            await _check(answer)
            async for line in _lines(answer.content):
                event = decode_event(line)
                if not isinstance(event, Heartbeat):
                    yield event
        raise AgentUnreachable("The agent ended the connection", hint=_HINT)

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[M],
        *,
        any_version: bool = False,
        body: NewShare | None = None,
    ) -> M:
        async with self._request(method, path, body=body) as answer:
            await _check(answer, any_version=any_version)
            return decode(await _body(answer.content), kind)

    @contextlib.asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        patience: aiohttp.ClientTimeout | None = None,
        body: NewShare | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        assert self._session is not None, "use the client in an async with"
        try:
            async with self._session.request(
                method,
                path,
                data=None if body is None else encode(body),
                timeout=patience or self._session.timeout,
                allow_redirects=False,
            ) as answer:
                yield answer
        except PermissionError as error:
            raise AgentUnreachable(
                f"The agent's socket {self._path} belongs to somebody else", hint="Run this as its user."
            ) from error
        except TimeoutError as error:
            raise AgentUnreachable("The agent does not answer in time", hint=_HINT) from error
        except aiohttp.ClientPayloadError as error:
            raise AgentUnreachable("The agent went away in the middle of an answer", hint=_HINT) from error
        except (aiohttp.ClientError, OSError) as error:
            raise AgentUnreachable(f"No agent answers on {self._path}", hint=_HINT) from error


async def _check(answer: aiohttp.ClientResponse, *, any_version: bool = False) -> None:
    if not any_version:
        check_protocol(answer.headers.get(PROTOCOL_HEADER), they="agent", we="client")
    if answer.status != 200:
        raise await _failure(answer)


async def _failure(answer: aiohttp.ClientResponse) -> TuishareError:
    return revive(decode(await _body(answer.content), Failure))


async def _body(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        _limit(len(body))
    return bytes(body)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split a stream into lines; `StreamReader.readline` gives up at 128 KiB, a snapshot may be longer."""
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
