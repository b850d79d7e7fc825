"""What ``seed`` and ``download`` share: an engine of their own, Ctrl-C, and watching one torrent.

Owns the engine's life inside a command. Must not know where a torrent came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine

from tuishare.cli.terminal import Meter, format_size
from tuishare.errors import SystemFailed
from tuishare.swarm import Engine, EngineSettings, Progress, Transport


def run_until_interrupted(work: Coroutine[None, None, None]) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM; either lets every ``finally`` of the work finish first.

    Raises:
        KeyboardInterrupt: it was interrupted.
    """

    async def watched() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await work

    try:
        asyncio.run(watched())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@contextlib.asynccontextmanager
async def running_engine(transport: Transport, listen: str | None, default: str) -> AsyncIterator[Engine]:
    """Run an engine that takes one kind of swarm.

    Args:
        transport: the kind.
        listen: the address that was asked for, or None: then `default`, or any free port while that is taken.
        default: ``[HOST]:PORT``.

    Raises:
        BadInput: the listen address is malformed.
        SystemFailed: the port that was asked for cannot be had.
    """
    try:
        engine = await Engine.start(_settings(transport, listen or default))
    except SystemFailed:
        if listen is not None:
            raise
        engine = await Engine.start(_settings(transport, ":0"))
    try:
        yield engine
    finally:
        await engine.close()


def _settings(transport: Transport, listen: str) -> EngineSettings:
    return EngineSettings(
        listen_tls=listen if transport == "tls" else None,
        listen_plain=listen if transport == "plain" else None,
    )


def show(meter: Meter, progress: Progress) -> None:
    """Put an engine's numbers on a meter."""
    people = "1 peer" if progress.peers == 1 else f"{progress.peers} peers"
    if progress.state == "checking":
        meter(int(progress.fraction * progress.total), progress.total, "checking what is there")
    else:
        up = f", up {format_size(progress.rate_up)}/s" if progress.rate_up else ""
        meter(progress.done, progress.total, people + up)
