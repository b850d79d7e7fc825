from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.api.samples import ScriptedAgent
from tests.waiting import answered, wait_until
from tuishare.api.client import AgentClient
from tuishare.api.kept_socket import KeptSocket
from tuishare.api.server import ApiServer
from tuishare.errors import AgentUnreachable, SystemFailed, TuishareError


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuishare.api.server.KeptSocket", partial(KeptSocket, pause=0.02))


@asynccontextmanager
async def serving(path: Path, spare: Path | None = None) -> AsyncIterator[list[Path | None]]:
    """Serve, and yield the places that were told, without repetitions."""
    told: list[Path | None] = []

    def tell(place: Path | None) -> None:
        if told[-1:] != [place]:
            told.append(place)

    server = ApiServer(ScriptedAgent(), path, spare=spare, tell_place=tell)
    await server.start()
    try:
        yield told
    finally:
        await server.stop()


def is_there(path: Path) -> bool:
    return path.is_socket()


async def answers(path: Path) -> bool:
    try:
        async with AgentClient(path) as client:
            await client.status()
    except AgentUnreachable:
        return False
    return True


async def until_answering(path: Path) -> None:
    await answered(lambda: answers(path), bool)


async def test_a_socket_that_was_removed_is_made_again(path: Path) -> None:
    async with serving(path) as told, AgentClient(path) as client:
        await client.status()
        os.unlink(path)
        await until_answering(path)
        shutil.rmtree(path.parent)
        await until_answering(path)
        await client.status()
        assert os.stat(path).st_mode & 0o777 == 0o600
    assert told == [path, None]
    assert not is_there(path)


async def test_where_the_folder_cannot_be_made_again_the_spare_one_is_used(path: Path) -> None:
    """As after a logout: /run belongs to root."""
    runtime, spare = path.parent / "run" / "agent.sock", path.parent / "state" / "agent.sock"
    async with serving(runtime, spare) as told:
        assert await answers(runtime)
        shutil.rmtree(runtime.parent)
        runtime.parent.touch()
        await until_answering(spare)
    assert told == [runtime, spare, None]
    assert not is_there(spare)


async def test_a_socket_of_another_agent_is_not_taken_away(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(path):
        os.unlink(path)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            await wait_until(lambda: "Commands may not find the agent" in caplog.text)
            assert is_there(path)
    assert is_there(path)


async def test_it_goes_on_where_nothing_can_be_told(path: Path) -> None:
    def refuse(_: Path | None) -> None:
        raise SystemFailed("the disk is full")

    server = ApiServer(ScriptedAgent(), path, tell_place=refuse)
    await server.start()
    assert await answers(path)
    os.unlink(path)
    await until_answering(path)
    await server.stop()


async def test_no_place_at_all_is_an_error(path: Path) -> None:
    path.parent.joinpath("file").touch()
    with pytest.raises(TuishareError):
        await ApiServer(ScriptedAgent(), path.parent / "file" / "a.sock").start()
