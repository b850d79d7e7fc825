"""What an agent needs before it can work: the home locked and read, engine and store open.

Owns the order of that, and what follows from the settings for the engine. Must not do any of the work.
"""

from __future__ import annotations

import asyncio
import contextlib

from tuishare.agent.context import Context
from tuishare.agent.database_recovery import ensure_intact
from tuishare.agent.downloads.rejected_files import REJECTED
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.change_signal import ChangeSignal
from tuishare.agent.state.store import Store
from tuishare.config.model import Config, load_config
from tuishare.core.home_lock import HomeLock
from tuishare.core.own_addresses import check_addresses
from tuishare.core.problems import Problem
from tuishare.errors import from_os_error
from tuishare.fs.atomic import sweep
from tuishare.home_paths import Places
from tuishare.people import Identity, load_or_create_identity
from tuishare.swarm import Engine, EngineSettings
from tuishare.tracker import load_certificate


async def open_home(places: Places, stack: contextlib.AsyncExitStack) -> Context:
    """Lock the home, read what it holds, open the engine; the stack closes all again, and the store.

    Raises:
        BadConfiguration: settings or identity are not usable.
        SystemFailed: another agent runs, or a port or folder cannot be had.
    """
    places.prepare()
    lock = HomeLock(places.lock_file)
    lock.acquire()
    stack.callback(lock.release)
    store = Store(places.store_file)
    stack.push_async_callback(store.close)
    # Files of ours that are missing are made, which a full disk delays and does not prevent.
    config, identity = await store.patience.retry_until_written(lambda: asyncio.to_thread(_read_home, places))
    # Opened before the engine, and thus closed after it: the engine says good-bye to its trackers.
    announcing = await stack.enter_async_context(TrackerService.running(config, places))
    engine = await Engine.start(_engine_settings(config))
    stack.push_async_callback(engine.close)
    if config.network.port_mapping:
        for port in announcing.ports:
            await engine.map_port(port)
    return Context(config, places, identity, store, engine, ChangeSignal(), tracker=announcing)


def _read_home(places: Places) -> tuple[Config, Identity]:
    config = load_config(places)
    check_addresses(config, places)
    _make_folders(config)
    if config.tracker.listen:
        load_certificate(places.tracker_file)
    return config, load_or_create_identity(places.identity_file)


async def open_store(context: Context) -> None:
    """Open the database as soon as the disk allows it; one that is damaged is replaced, which is a problem to show.

    Raises:
        BadConfiguration: it is from a newer version.
        SystemFailed: it cannot be used.
    """
    store = context.store
    context.problems = await store.patience.retry_until_written(
        lambda: asyncio.to_thread(_check_database, context)
    )
    await store.open()


def _check_database(context: Context) -> tuple[Problem, ...]:
    """Make sure that there is a database to work with; tell when it had to be a new one."""
    now = context.clock()
    aside = ensure_intact(context.places, context.config, context.identity, now)
    if aside is None:
        return ()
    return (
        Problem(
            id="database",
            title="Database was damaged",
            detail=f"The damaged database is kept as {aside}; a new one was begun from your folders",
            hint="What you shared by command has to be shared again; what was delivered is in your downloads folder.",
            since=int(now.timestamp()),
        ),
    )


def _engine_settings(config: Config) -> EngineSettings:
    return EngineSettings(
        listen_tls=config.network.listen,
        listen_plain=config.network.listen_plain or None,
        force_mse=config.network.force_mse,
        port_mapping=config.network.port_mapping,
        proxy=config.network.outgoing_proxy,
    )


def _make_folders(config: Config) -> None:
    """Make our own folders; a drop folder that is missing may be a disk that is not mounted, and is left missing."""
    folders = config.folders
    for folder in (folders.inbox_path, folders.outbox_path, folders.downloads_path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"make the folder {folder}") from error
    for folder in (folders.inbox_path / REJECTED, folders.outbox_path):
        with contextlib.suppress(OSError):  # what was left does no harm
            sweep(folder)
