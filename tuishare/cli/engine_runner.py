"""The common part of ``seed`` and ``download``: an engine of their own, Ctrl-C, and progress of one torrent.

Owns the start and end of the engine inside a command. Must not know where a torrent came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Final

from tuishare.cli.terminal import ProgressPrinter, say, warn
from tuishare.config.model import NetworkSettings
from tuishare.core.tracker_proxy import TrackerProxies
from tuishare.errors import SystemFailed
from tuishare.net.descriptors import raise_descriptor_limit
from tuishare.presentation.formats import format_count, format_rate
from tuishare.swarm import Engine, EngineSettings, Progress, TrackerFailed, Transport

_REFRESH: Final = 0.2
"""Seconds between two updates of the torrent's progress; the final figures are at most that old."""


def run_until_interrupted(work: Coroutine[None, None, None]) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM; either lets every ``finally`` block finish first.

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
    """Return the configured listen address for that kind of swarm: ``[HOST]:PORT``."""
    return network.listen if transport == "tls" else network.listen_plain or network.listen


@contextlib.asynccontextmanager
async def running_engine(
    network: NetworkSettings, transport: Transport, listen: str | None, *, any_port: bool = False
) -> AsyncIterator[Engine]:
    """Run an engine for one kind of swarm.

    Args:
        network: the settings.
        transport: the kind.
        listen: the only address to use; None: the configured one.
        any_port: use any free port if the configured one is in use.

    Raises:
        BadInput: the listen address is malformed.
        SystemFailed: the port cannot be opened.
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


def open_tracker_proxies(network: NetworkSettings) -> contextlib.AbstractAsyncContextManager[TrackerProxies]:
    """Open the relay to trackers; must outlast the engine, which sends them its last announces when it closes.

    Raises:
        SystemFailed: no port can be opened for it.
    """
    return TrackerProxies.open(network.outgoing_proxy)


def tracker_warnings(proxies: TrackerProxies) -> Callable[[TrackerFailed], None]:
    """Return what warns of failed announces: once per tracker and reason, since announces are repeated for ever."""
    said: set[tuple[str, str]] = set()

    def warn_of(failed: TrackerFailed) -> None:
        warning = proxies.name_of(failed), failed.reason
        if warning not in said:
            said.add(warning)
            warn(f"the tracker {warning[0]} failed: {failed.reason}")

    return warn_of


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
    """Show an engine's progress on a progress bar."""
    peers = format_count(progress.peers, "peer")
    if progress.state == "checking":
        meter(int(progress.fraction * progress.total), progress.total, "checking existing data")
    else:
        up = f", up {format_rate(progress.rate_up)}" if progress.rate_up else ""
        meter(progress.done, progress.total, peers + up)
