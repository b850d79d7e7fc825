"""The table of operations: it has every operation once, and each arrives at the agent as the call that was made."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web

from tests.api.samples import SETTINGS, ScriptedAgent
from tests.api.test_server import talk
from tests.api_reference import PAGE, render
from tuishare.api.authenticator import Principal
from tuishare.api.client import AgentClient
from tuishare.api.messages import (
    CardText,
    DropChange,
    DropNamed,
    ErrorBody,
    FileChoice,
    FolderQuery,
    GroupChange,
    HubString,
    IntroductionAccepted,
    IntroductionNamed,
    InvitationNamed,
    InvitationText,
    JoinerAnswer,
    Message,
    NewInvitation,
    NewShare,
    NewUser,
    PathNamed,
    ReceiptQuery,
    SettingChange,
    SettingsText,
    UserChange,
    UserNamed,
    UsersToIntroduce,
)
from tuishare.api.operation import SMALL_BODY, Operation, Role
from tuishare.api.operations import CALLS, OPERATIONS, SETTINGS_BODY, Operations
from tuishare.api.server import ApiServer
from tuishare.api.service import AgentService, HomeService
from tuishare.errors import Refused

REQUESTS: dict[type[Message], Message] = {
    NewShare: NewShare(path="/films/a.mov", recipients=("bob",)),
    FileChoice: FileChoice(unwanted=(0, 7)),
    CardText: CardText(card="tuishare-card-v1:x"),
    NewUser: NewUser(name="eve"),
    UserChange: UserChange(name="bob", groups=("crew",)),
    UserNamed: UserNamed(name="bob"),
    FolderQuery: FolderQuery(path="~/films", start="fi", folders_only=True, nearest=True),
    PathNamed: PathNamed(path="~/films"),
    DropChange: DropChange(path="/films", users=("@crew",)),
    DropNamed: DropNamed(path="/films"),
    NewInvitation: NewInvitation(name="bob", groups=("crew",), until=7),
    InvitationNamed: InvitationNamed(id="ab" * 16),
    JoinerAnswer: JoinerAnswer(id="ab" * 16, fingerprint="ABCD", approve=True),
    UsersToIntroduce: UsersToIntroduce(names=("@crew", "bob")),
    IntroductionAccepted: IntroductionAccepted(id="cd" * 16, name="carol", groups=("crew",), admitted=True),
    IntroductionNamed: IntroductionNamed(id="cd" * 16),
    GroupChange: GroupChange(name="crew", introduce=True),
    HubString: HubString(text="tuishare-hub-v1:x"),
    InvitationText: InvitationText(text="tuishare-invite-v1:x"),
    ReceiptQuery: ReceiptQuery(share="film"),
    SettingChange: SettingChange(key="name", value="alice"),
    SettingsText: SETTINGS,
}
"""One request of each kind."""

WITH_BODY = [operation for operation in CALLS if operation.request]


def named(operation: Operation) -> str:
    return operation.name


def path_of(operation: Operation) -> str:
    """A path that leads to it."""
    return re.sub(r"{\w+}", "ab12", operation.path.replace("{order}", "pause"))


def argument(kind: Any) -> object:
    """A value for a parameter, as odd as it may be."""
    if kind in REQUESTS:
        return REQUESTS[kind]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return list(kind)[-1]
    return "../a b?/%2f" if getattr(kind, "__supertype__", None) is str else 7


@dataclass
class Recorder:
    """Remembers which method was called and with what; refuses everything."""

    calls: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def record(**arguments: object) -> None:
            self.calls.append((name, arguments))
            raise Refused("It was recorded")

        return record


@dataclass(frozen=True, slots=True)
class EveryoneIs:
    """An `Authenticator` that knows one role."""

    role: Role

    def authenticate(self, request: web.BaseRequest) -> Principal:
        return Principal(self.role, name="carol")


@asynccontextmanager
async def serving(path: Path, service: object, **options: Any) -> AsyncIterator[ApiServer]:
    server = ApiServer(cast(AgentService, service), path, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def test_every_method_of_the_service_is_in_the_table_once() -> None:
    methods = [
        name for kind in (HomeService, AgentService) for name in vars(kind) if not name.startswith("_")
    ]
    assert sorted(operation.name for operation in OPERATIONS) == sorted(methods)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)
    assert {name: row.name for name, row in vars(Operations).items() if isinstance(row, Operation)} == {
        operation.name: operation.name for operation in CALLS
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_a_row_says_what_its_method_takes_and_returns(operation: Operation) -> None:
    signature = operation.signature
    bodies = [kind for kind in (p.annotation for p in signature.parameters.values()) if kind in REQUESTS]
    assert bodies == ([operation.request] if operation.request else [])
    returned = signature.return_annotation
    assert operation.response == (returned.__args__[0] if operation.streams else returned)
    assert operation.allowed
    assert operation.docstring


@pytest.mark.parametrize("operation", CALLS, ids=named)
async def test_a_call_arrives_as_it_was_made(operation: Operation, path: Path) -> None:
    arguments = {
        name: argument(parameter.annotation) for name, parameter in operation.signature.parameters.items()
    }
    recorder = Recorder()
    async with serving(path, recorder), AgentClient(path) as client:
        with pytest.raises(Refused, match="It was recorded"):
            await getattr(client, operation.name)(*arguments.values())
    assert recorder.calls == [(operation.name, arguments)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
async def test_an_operation_that_is_not_allowed_to_a_caller_is_refused(
    operation: Operation, path: Path
) -> None:
    class Other(StrEnum):
        MEMBER = "member"

    recorder = Recorder()
    member = EveryoneIs(cast(Role, Other.MEMBER))
    async with serving(path, recorder, authenticator=member):
        status, _, body = await talk(path, f"{operation.method} {path_of(operation)}")
    failure = msgspec.json.decode(body, type=ErrorBody)
    assert (status, failure.code) == (403, "refused")
    assert operation.name in failure.detail
    assert "member" in failure.detail
    assert recorder.calls == []


async def test_another_authenticator_lets_its_callers_in(agent: ScriptedAgent, path: Path) -> None:
    async with serving(path, agent, authenticator=EveryoneIs(Role.OWNER)):
        assert (await talk(path, "POST /v1/stop"))[0] == 200
    assert agent.stops == 1


def limits(operation: Operation) -> int:
    return SETTINGS_BODY if operation.name == "write_settings" else SMALL_BODY


async def upload(path: Path, head: str, chunks: Iterator[bytes]) -> tuple[int, bytes]:
    """Send chunks until the agent ends the connection or there are no more; give how many bytes, and its answer."""
    loop, sent = asyncio.get_running_loop(), 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        await loop.sock_connect(client, str(path))
        await loop.sock_sendall(client, head.encode())
        with contextlib.suppress(ConnectionError):
            for chunk in chunks:
                await loop.sock_sendall(client, chunk)
                sent += len(chunk)
        async with asyncio.timeout(10):
            return sent, await loop.sock_recv(client, 4096)


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
async def test_a_longer_body_is_refused_by_its_length(operation: Operation, path: Path) -> None:
    """Not a byte of it is sent, and none is waited for."""
    recorder = Recorder()
    async with serving(path, recorder, quiet=0.3):
        for length, reason in (
            (limits(operation), b"did not arrive in time"),
            (limits(operation) + 1, f"longer than {limits(operation):,} bytes".encode()),
        ):
            head = f"POST {path_of(operation)} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            _, answer = await upload(path, head, iter(()))
            assert b" 400 " in answer
            assert reason in answer
    assert recorder.calls == []


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
async def test_a_longer_body_of_unknown_length_is_refused_while_it_comes(
    operation: Operation, path: Path
) -> None:
    recorder, block = Recorder(), 0x10000
    chunk = f"{block:x}\r\n".encode() + b" " * block + b"\r\n"
    head = f"POST {path_of(operation)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(path, recorder, quiet=60):
        sent, answer = await upload(path, head, itertools.repeat(chunk, 4 * SETTINGS_BODY // block))
    assert b" 400 " in answer
    assert f"longer than {limits(operation):,} bytes".encode() in answer
    assert recorder.calls == []
    buffers = 2 * 1024 * 1024  # what the kernel and the server hold that was not looked at
    assert limits(operation) < sent <= limits(operation) + buffers


async def test_a_packed_body_is_not_unpacked(path: Path) -> None:
    recorder, packed = Recorder(), gzip.compress(msgspec.json.encode(SETTINGS))
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n"
    async with serving(path, recorder):
        status, _, body = await talk(path, "POST /v1/settings/text", head, packed)
    assert status == 400
    assert b"is not understood" in body
    assert recorder.calls == []


def test_the_page_about_the_api_is_true() -> None:
    assert PAGE.read_text() == render(), "run: python -m tests.api_reference"
