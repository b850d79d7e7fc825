"""Engines that end with their test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.swarm.shares import Share, make_share
from tuishare.swarm import Engine, EngineSettings

StartEngine = Callable[..., Awaitable[Engine]]


@pytest_asyncio.fixture
async def start_engine() -> AsyncIterator[StartEngine]:
    """Start engines on free loopback ports, TLS and plain."""
    engines: list[Engine] = []

    async def start(**settings: Any) -> Engine:
        chosen = {"listen_tls": "127.0.0.1:0", "listen_plain": "127.0.0.1:0", "refresh": 0.05, **settings}
        engines.append(await Engine.start(EngineSettings(**chosen)))
        return engines[-1]

    yield start
    for engine in engines:
        await engine.close()


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """One MiB in a TLS swarm."""
    return make_share(tmp_path / "alice")


@pytest.fixture
def plain_share(tmp_path: Path) -> Share:
    """One MiB in a plain swarm."""
    return make_share(tmp_path / "alice", tls=False)
