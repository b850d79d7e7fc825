"""The process of the web page: from start to stop.

Owns their order. Must not do any part's work.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.config.web_settings import WebSettings
from tuishare.home_paths import Places
from tuishare.web.request_checks import PublicAddress
from tuishare.web.sessions import Sessions
from tuishare.web.visit import Desk
from tuishare.web.web_lock import hold_web_lock, write_address
from tuishare.web.web_server import WebServer

_SWEEP_SECONDS: Final = 600.0


@contextlib.asynccontextmanager
async def open_web(places: Places, settings: WebSettings, desk: Desk) -> AsyncIterator[PublicAddress]:
    """Serve the page of a home for one block; yields where it is.

    Raises:
        BadConfiguration: certificate or database are not usable.
        SystemFailed: the page of this home runs already, or the port or the disk is not usable.
    """
    async with contextlib.AsyncExitStack() as stack:
        lock = stack.enter_context(hold_web_lock(places.web_lock_file))
        sessions = await Sessions.open(places.web_database_file)
        stack.push_async_callback(sessions.close)
        client = await stack.enter_async_context(AgentClient.of_home(places))
        server = WebServer(client, sessions, settings, desk)
        stack.push_async_callback(server.stop)
        await server.start()
        write_address(lock, server.address.url)
        sweeping = asyncio.create_task(_sweep(sessions), name="sweep")
        stack.push_async_callback(_end, sweeping)
        yield server.address


async def run_web(
    places: Places, settings: WebSettings, desk: Desk, started: Callable[[PublicAddress], None]
) -> None:
    """Serve the page until SIGTERM or SIGINT; errors as for `open_web`.

    Args:
        places: of the home.
        settings: where to listen.
        desk: what only the caller can do.
        started: is called once the page answers.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_web(places, settings, desk) as address:
        started(address)
        await stopping.wait()


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        await sessions.sweep()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
