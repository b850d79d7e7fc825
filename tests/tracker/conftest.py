"""A tracker on loopback that ends with its test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tuishare.tracker import Tracker, TrackerCertificate, TrackerServer, load_certificate

StartServer = Callable[..., Awaitable[TrackerServer]]


@pytest.fixture
def certificate(tmp_path: Path) -> TrackerCertificate:
    """A new one."""
    return load_certificate(tmp_path / "tracker.pem")


@pytest_asyncio.fixture
async def start_server(certificate: TrackerCertificate) -> AsyncIterator[StartServer]:
    """Serve trackers on free loopback ports."""
    servers: list[TrackerServer] = []

    async def start(tracker: Tracker, **options: Any) -> TrackerServer:
        chosen = {"https": ("127.0.0.1", 0), "http": ("127.0.0.1", 0), **options}
        servers.append(TrackerServer(tracker, certificate, **chosen))
        await servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        await server.close()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client that checks no certificates."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
        yield session
