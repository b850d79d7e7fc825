"""Proof of life: only when every part has answered."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home
from tests.waiting import wait_until
from tuishare.agent.process.sd_messages import HealthCheck, keep_alive, watchdog_interval
from tuishare.errors import SystemFailed


@pytest.fixture
def manager(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setenv("NOTIFY_SOCKET", str(root / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(root / "notify"))
        manager.setblocking(False)
        yield manager


async def hear(manager: socket.socket, seconds: float = 5) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(manager, 200), seconds)


@asynccontextmanager
async def proving(interval: float, health_checks: Mapping[str, HealthCheck]) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_alive(interval, health_checks))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def silence() -> None:
    await asyncio.Event().wait()


async def failure() -> None:
    raise SystemFailed("The store is not open")


async def test_life_is_proved_again_and_again(manager: socket.socket) -> None:
    asked: list[str] = []

    async def answer() -> None:
        asked.append("part")

    async with proving(0.04, {"part": answer}):
        for _ in range(3):
            assert await hear(manager) == b"WATCHDOG=1"
    assert len(asked) >= 3


@pytest.mark.parametrize(
    ("bad", "said"), [(silence, "The engine does not answer"), (failure, "The engine has failed")]
)
async def test_one_silent_part_is_silence_until_it_answers(
    manager: socket.socket, caplog: pytest.LogCaptureFixture, bad: HealthCheck, said: str
) -> None:
    health_checks: dict[str, HealthCheck] = {"store": lambda: asyncio.sleep(0), "engine": bad}
    async with proving(0.04, health_checks):
        await wait_until(lambda: caplog.text.count(said) >= 2)
        with pytest.raises(BlockingIOError):
            manager.recv(200)
        health_checks["engine"] = health_checks["store"]
        assert await hear(manager) == b"WATCHDOG=1"


async def test_a_running_agent_proves_its_life(
    alice: Home, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    async with running(alice) as agent:
        assert await hear(manager) == b"WATCHDOG=1"
        assert set(agent._health_checks()) == {"engine", "store"}
        store = agent._context.store
        store._database, database = None, store._database
        with pytest.raises(SystemFailed, match="not open"):
            await agent._health_checks()["store"]()
        store._database = database


async def test_an_engine_that_is_closed_does_not_answer(alice: Home) -> None:
    async with running(alice) as agent:
        await agent._context.engine.ping()
        await agent._context.engine.close()
        with pytest.raises(SystemFailed, match="closed"):
            await agent._context.engine.ping()


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "120000000"}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_is_for_systemd_to_say(environment: dict[str, str], interval: float | None) -> None:
    assert watchdog_interval(environment) == interval
