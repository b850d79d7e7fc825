from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.api.samples import ScriptedAgent
from tuishare.api.client import AgentClient
from tuishare.api.event_stream import StreamTiming
from tuishare.api.server import ApiServer


@pytest.fixture
def path() -> Iterator[Path]:
    """A socket path in a private folder, short because a socket path has 107 bytes."""
    with TemporaryDirectory(prefix="tuishare-") as folder:
        yield Path(folder) / "agent.sock"


@pytest.fixture
def agent() -> ScriptedAgent:
    return ScriptedAgent(timing=StreamTiming(interval=0.01, heartbeat=0.05))


@pytest.fixture
async def server(agent: ScriptedAgent, path: Path) -> AsyncIterator[ApiServer]:
    server = ApiServer(agent, path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: ApiServer, path: Path) -> AsyncIterator[AgentClient]:
    async with AgentClient(path, silence=5) as client:
        yield client
