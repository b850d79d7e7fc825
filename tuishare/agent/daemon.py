"""The life of a running agent, from start to stop.

Owns the order in which loops start and stop, and which part handles which event of the engine. Must not make parts
(`tuishare.agent.startup` does), nor do any part's work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, Self, assert_never

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.folders.watcher import FileEvent, Watcher
from tuishare.agent.process.sd_messages import HealthCheck, keep_alive, notify, watchdog_interval
from tuishare.agent.startup import AgentParts, make_parts, open_home, open_store
from tuishare.api.server import ApiServer
from tuishare.errors import SystemFailed
from tuishare.home_paths import Places
from tuishare.swarm import (
    Completed,
    ContactRefused,
    EngineEvent,
    Failed,
    FalseData,
    PeerRefused,
    Progressed,
    Subscription,
    TrackerFailed,
)

_LOADING: Final = "loading"
CLOCK_SECONDS: Final = 30.0
"""Seconds between checks for expired shares and downloads."""
_log = logging.getLogger(__name__)


class Agent:
    """One agent, made by `running`.

    Attributes:
        view: its state as clients see it.
        service: implements the API.
    """

    def __init__(self, parts: AgentParts) -> None:
        self._parts = parts
        self._context = parts.context
        self._drops, self._inbox = parts.sharing, parts.inbox
        self._config_reload, self._runner = parts.config_reload, parts.runner
        self.view, self.service = parts.view, parts.service

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, places: Places) -> AsyncIterator[Self]:
        """Start an agent for a home; it works until the block ends.

        Raises:
            BadConfiguration: settings, identity or database are not usable.
            SystemFailed: another agent runs, or a port or folder is not usable.
        """
        async with contextlib.AsyncExitStack() as stack:
            context = await open_home(places, stack)
            parts = make_parts(context)
            agent = cls(parts)
            parts.bandwidth.take_settings()  # before any transfer
            # Before anything is loaded, so that nothing that completes meanwhile is missed.
            events = stack.enter_context(context.engine.subscribe())
            await agent._config_reload.load()
            stack.push_async_callback(agent._save_resume)
            stack.push_async_callback(parts.link.close)
            await stack.enter_async_context(agent._working(events))
            server = ApiServer(
                agent.service, places.socket, spare=places.spare_socket, tell_place=context.lock.name_socket
            )
            await server.start()
            stack.push_async_callback(server.stop)
            _log.info(
                "Agent %s is running, card %s", context.settings.current.name, agent.view.status().fingerprint
            )
            yield agent

    async def wait(self) -> None:
        """Wait until a signal or a client stops the agent."""
        await self._parts.stopping.wait()

    def begin_reload(self) -> None:
        """Read the settings and the user book again soon; for signal handlers."""
        self._config_reload.order()

    def begin_stop(self) -> None:
        """Begin to stop; for signal handlers."""
        self._parts.stopping.set()

    # Loops and events

    @contextlib.asynccontextmanager
    async def _working(self, events: Subscription) -> AsyncIterator[None]:
        """Continue the last run, then run all loops until the block ends.

        A loop that fails stops the whole agent. If the disk refuses writes, the block starts nevertheless, and the
        loops start as soon as the disk allows it.
        """
        watcher = Watcher()
        watcher.watch(self._context.places.config, self._on_settings_event, recursive=False)
        loading = asyncio.create_task(self._load(), name=_LOADING)
        tasks = [loading, *(asyncio.create_task(loop) for loop in self._loops(events, watcher))]
        for task in tasks:
            task.add_done_callback(self._end_with)
        refused = asyncio.create_task(self._context.store.disk_retry.refused())
        try:
            await asyncio.wait({loading, refused}, return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                loading.result()
            yield
        finally:
            refused.cancel()
            await self._runner.close()
            for task in tasks:
                task.remove_done_callback(self._end_with)
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await watcher.close()
            for result in results:
                if isinstance(result, Exception):
                    raise result

    def _loops(self, events: Subscription, watcher: Watcher) -> Iterator[Coroutine[Any, Any, None]]:
        drops, inbox = self._drops, self._inbox
        yield self._once_ready(lambda: drops.run(watcher))
        yield self._once_ready(lambda: self._parts.inbox_monitor.run(watcher))
        yield self._once_ready(lambda: inbox.payload_watcher.run(watcher))
        yield self._once_ready(lambda: self._follow_engine(events))
        yield self._once_ready(drops.repository.watch_deliveries)
        yield self._once_ready(drops.reissuer.run)
        yield self._once_ready(drops.rechecker.run)
        yield self._once_ready(drops.corruption_reports.run)
        yield self._once_ready(self._parts.link.run)
        if self._parts.link.is_enabled:
            yield self._once_ready(self._parts.upkeep.run)
        for loop in (drops.queue.run, inbox.queue.run, inbox.rate_limit.run, self._keep_time):
            yield self._once_ready(loop)
        yield self._parts.overload.run(self._context.activity, self._context.changed.notify)
        for work in (
            self._config_reload,
            self._parts.bandwidth,
            self._context.activity,
            self._parts.notifier,
            self._parts.webhook,
            self._parts.free_space,
            self._parts.ports,
        ):
            yield work.run()
        if interval := watchdog_interval():
            yield keep_alive(interval, self._health_checks())

    async def _load(self) -> None:
        await open_store(self._context)
        await self._context.activity.load()
        await self._parts.link.open()  # its address record goes into everything that is sealed
        await self._drops.load()
        await self._inbox.load()
        self._runner.ready.set()

    async def _once_ready(self, loop: Callable[[], Awaitable[None]]) -> None:
        await self._runner.ready.wait()
        await loop()

    def _end_with(self, task: asyncio.Task[None]) -> None:
        if not self._runner.ready.is_set() or task.get_name() != _LOADING:
            self._parts.stopping.set()

    def _on_settings_event(self, _: FileEvent) -> None:
        self._config_reload.look()

    def _health_checks(self) -> dict[str, HealthCheck]:
        store = self._context.store
        return {
            "store": lambda: store.run(lambda database: database.resume_data("")),
            "engine": self._context.engine.ping,
        }

    async def _keep_time(self) -> None:
        """End expired shares and finished seeding, and check the agent's own addresses."""
        while True:
            await self._drops.commands.withdraw_expired()
            await self._drops.commands.stop_finished()
            await self._inbox.queue.seeding.end()
            self._drops.repository.update_addresses()
            self._context.changed.notify()  # a router's port forwarding changes without any event
            await asyncio.sleep(CLOCK_SECONDS)

    async def _follow_engine(self, events: Subscription) -> None:
        async for event in events:
            with isolate_errors("handle an event of one torrent"):
                await self._take_event(event)

    async def _take_event(self, event: EngineEvent) -> None:
        match event:
            case Progressed():
                self._context.changed.notify()
            case Completed(info_hash):
                self._inbox.queue.on_completed(info_hash)
            case Failed(info_hash, reason, errno):
                await self._drops.queue.record_problem(info_hash, reason)
                await self._inbox.queue.record_problem(info_hash, SystemFailed(reason, errno=errno))
            case FalseData(info_hash):
                await self._inbox.queue.record_false_data(info_hash)
            case PeerRefused(info_hash, host, reason, is_banned):
                _log.info("Refused the peer %s: %s", host, reason)
                if is_banned:
                    self._inbox.queue.note_banned(info_hash, host)
            case ContactRefused(_, contact, reason):
                _log.info("The contact %s is not used: its address %s", contact, reason)
            case TrackerFailed():
                _log.warning("The tracker %s failed: %s", self._context.tracker.name_of(event), event.reason)
            case _ as never:
                assert_never(never)

    async def _save_resume(self) -> None:
        with contextlib.suppress(SystemFailed):  # logged before
            await self._context.activity.write()
            await self._drops.repository.deliveries.save()
        data = await self._context.engine.close()
        try:
            await self._context.store.run(lambda database: database.save_resume(data))
        except SystemFailed as error:  # the stop must not wait for the disk
            _log.warning("Downloaded data will be verified again: %s", error.detail)


async def run_agent(places: Places) -> None:
    """Run an agent until a signal or a client stops it.

    Raises:
        TuishareError: as `Agent.running`.
    """
    loop = asyncio.get_running_loop()
    async with Agent.running(places) as agent:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, agent.begin_stop)
        loop.add_signal_handler(signal.SIGHUP, agent.begin_reload)
        notify("READY=1")  # only now, because the service manager may stop the agent as soon as it is ready
        await agent.wait()
        notify("STOPPING=1")
