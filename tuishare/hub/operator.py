"""How the operator of a hub speaks with it: one request and one answer, as JSON, on a Unix socket.

Owns the requests, the answers, and both ends of the socket; it is guarded as that of the agent's API. Must not know
mailboxes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from tuishare.api.error_body import describe, to_exception
from tuishare.api.messages.base import ErrorBody, UnixTime
from tuishare.api.unix_socket import bind_socket, check_peer, close_socket
from tuishare.errors import AgentUnreachable, BadInput, TuishareError

_REQUEST_LIMIT: Final = 4 * 1024
_ANSWER_LIMIT: Final = 16 * 1024 * 1024
_SECONDS: Final = 30.0
_MOST_CLIENTS: Final = 32
_ENDS: Final = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TuishareError)
"""How a connection may end that deserves no answer."""
MemberName = Annotated[str, Meta(min_length=1, max_length=64)]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Base of requests and answers; the kind is the name of the class in lower case."""


class Invite(_Message, frozen=True):
    """Make an enrolment string for a member of that name, usable for so many days."""

    name: MemberName
    days: Annotated[int, Meta(ge=1, le=365)]


class ListMembers(_Message, frozen=True):
    """List the members."""


class Remove(_Message, frozen=True):
    """Remove a member with all parcels, or the string that was made for one."""

    name: MemberName


class GetStatus(_Message, frozen=True):
    """Tell how the hub is."""


class Invited(_Message, frozen=True):
    """The enrolment string; `until` is in Unix seconds."""

    name: str
    string: str
    until: UnixTime


class MemberInfo(msgspec.Struct, frozen=True):
    """One member; times in Unix seconds, sizes in bytes.

    Attributes:
        name: that the operator gave.
        enrolled: since when they are a member.
        seen: when they were connected last.
        connected: they are now.
        parcels: in the mailbox.
        size: of them.
        ports: at which the hub makes them reachable now: link, tracker, swarms; empty: at none.
        callers: connections that are forwarded to them.
        forwarded: bytes of this day, both directions together.
    """

    name: str
    enrolled: UnixTime
    seen: UnixTime
    connected: bool
    parcels: int
    size: int
    ports: tuple[int, ...]
    callers: int
    forwarded: int


class Members(_Message, frozen=True):
    """All members, oldest first."""

    members: list[MemberInfo]


class Removed(_Message, frozen=True):
    """What was removed: a member, otherwise a string that was not used yet."""

    name: str
    member: bool


class HubStatus(_Message, frozen=True):
    """How the hub is; sizes in bytes.

    Attributes:
        address: that stands in enrolment strings.
        port: where it listens.
        members: how many there are.
        connected: of them, now.
        senders: connections that put parcels.
        strangers: connections whose caller is not known yet.
        parcels: in all mailboxes.
        size: of them.
        limit: most bytes of all parcels.
        expired: parcels deleted since the start because they were not taken in time.
        callers: connections that are forwarded to members.
        forwarded: bytes since the start, both directions together.
        refused: connections to lent ports that were not forwarded, since the start.
    """

    address: str
    port: int
    members: int
    connected: int
    senders: int
    strangers: int
    parcels: int
    size: int
    limit: int
    expired: int
    callers: int
    forwarded: int
    refused: int


class Failure(_Message, frozen=True):
    """The request failed."""

    error: ErrorBody


Request: TypeAlias = Invite | ListMembers | Remove | GetStatus
Answer: TypeAlias = Invited | Members | Removed | HubStatus | Failure
Handle: TypeAlias = Callable[[Request], Awaitable[Answer]]
_REQUESTS: Final = msgspec.json.Decoder(Request)
_ANSWERS: Final = msgspec.json.Decoder(Answer)


@contextlib.asynccontextmanager
async def serve_operator(path: Path, handle: Handle) -> AsyncIterator[None]:
    """Answer requests for one block.

    Args:
        path: of the socket, in a private folder.
        handle: answers; its `TuishareError` becomes a `Failure`.

    Raises:
        BadConfiguration: other users can enter the folder, or the path is not free.
        SystemFailed: the system refused.
    """
    listening = bind_socket(path)
    room = asyncio.Semaphore(_MOST_CLIENTS)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_ENDS):
            async with room, asyncio.timeout(_SECONDS):
                check_peer(writer.get_extra_info("socket"), os.geteuid())
                line = await reader.readuntil()
                writer.write(msgspec.json.encode(await _handle(line, handle)) + b"\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, sock=listening, limit=_REQUEST_LIMIT)
    try:
        yield
    finally:
        server.close()
        close_socket(listening, path)


async def _handle(line: bytes, handle: Handle) -> Answer:
    try:
        return await handle(_REQUESTS.decode(line))
    except msgspec.MsgspecError:
        return Failure(describe(BadInput("The hub does not know this request", hint="Update tuishare.")))
    except TuishareError as error:
        return Failure(describe(error))


def ask_hub(path: Path, request: Request) -> Answer:
    """Send a request to the hub that runs here.

    Raises:
        AgentUnreachable: no hub answers.
        TuishareError: the hub refused; the class is that of its error.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(os.fspath(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            with connection.makefile("rb") as file:
                answer = _ANSWERS.decode(file.readline(_ANSWER_LIMIT))
    except (OSError, msgspec.MsgspecError) as error:
        raise AgentUnreachable(
            f"No hub answers on {path}", hint="Start it: tuishare hub run, as the same user."
        ) from error
    if isinstance(answer, Failure):
        raise to_exception(answer.error)
    return answer
