"""What ``seed`` and ``download`` share: an engine of their own, Ctrl-C, and watching one torrent.

Owns the engine's life inside a command. Must not know where a torrent came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine
from typing import Final

from tuishare.cli.terminal import ProgressPrinter, say
from tuishare.config.model import NetworkSettings
from tuishare.core.tracker_proxy import TrackerProxies
from tuishare.errors import SystemFailed
from tuishare.net.descriptors import raise_descriptor_limit
from tuishare.presentation.formats import format_count, format_rate
from tuishare.swarm import Engine, EngineSettings, Progress, Transport

_REFRESH: Final = 0.2
"""Seconds between two looks at the one torrent; what is said at the end is at most that old."""


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


def listen_address(network: NetworkSettings, transport: Transport) -> str:
    """Say where swarms of that kind listen unless told otherwise: ``[HOST]:PORT``, as configured."""
    return network.listen if transport == "tls" else network.listen_plain or network.listen


@contextlib.asynccontextmanager
async def running_engine(
    network: NetworkSettings, transport: Transport, listen: str | None, *, any_port: bool = False
) -> AsyncIterator[Engine]:
    """Run an engine that takes one kind of swarm.

    Args:
        network: the settings.
        transport: the kind.
        listen: the address that was asked for: that one or none. None: the configured one.
        any_port: whether any free port will do while the configured one is taken.

    Raises:
        BadInput: the listen address is malformed.
        SystemFailed: the port cannot be had.
    """
    raise_descriptor_limit()
    address = listen_address(network, transport) if listen is None else listen
    try:
        engine = await Engine.start(_settings(network, transport, address))
    except SystemFailed as error:
        if listen is not None or not any_port:
            raise
        engine = await Engine.start(_settings(network, transport, ":0"))
        say(f"{error.detail}; listening on port {engine.listening[transport]} instead.")
    try:
        yield engine
    finally:
        await engine.close()


def routes_of(network: NetworkSettings) -> contextlib.AbstractAsyncContextManager[TrackerProxies]:
    """Open the way to trackers; before the engine, which says good-bye to them at its end.

    Raises:
        SystemFailed: no port can be had for it.
    """
    return TrackerProxies.open(network.outgoing_proxy)


def _settings(network: NetworkSettings, transport: Transport, listen: str) -> EngineSettings:
    return EngineSettings(
        listen_tls=listen if transport == "tls" else None,
        listen_plain=listen if transport == "plain" else None,
        force_mse=network.force_mse,
        refresh=_REFRESH,
        port_mapping=network.port_mapping,
        proxy=network.outgoing_proxy,
    )


def show(meter: ProgressPrinter, progress: Progress) -> None:
    """Put an engine's numbers on a meter."""
    peers = format_count(progress.peers, "peer")
    if progress.state == "checking":
        meter(int(progress.fraction * progress.total), progress.total, "checking what is there")
    else:
        up = f", up {format_rate(progress.rate_up)}" if progress.rate_up else ""
        meter(progress.done, progress.total, peers + up)
