"""Reach: this agent's three ports, at ports of a hub, or of an SSH server, that forwards them.

Owns where we are reachable that way, and the connections that come from there: each one is connected to our own
port from a loopback address that stands for its caller. Only these three ports are ever connected to, and nothing but
the hub that the user joined. Must not hold the connection to the hub.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.live import Live
from tuishare.core.clock import Clock
from tuishare.core.problems import Problem
from tuishare.link.mailbox.messages import CallerAnnounced, ReachService
from tuishare.net.addresses import unmapped
from tuishare.net.caller_addresses import CallerAddresses
from tuishare.net.endpoints import Endpoint
from tuishare.net.splice import Pace, Splice, SpliceEnd
from tuishare.net.tcp import connect_tcp
from tuishare.sanitize import for_display

_CONNECT_SECONDS: Final = 5.0
_MOST_CONNECTING: Final = 256
"""Callers who are being connected at a time; a hub may announce as many as it likes."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReachAddresses:
    """Where our ports are reachable by hub, ``host:port`` each; empty: nowhere."""

    link: str = ""
    tracker: str = ""
    swarm: str = ""


class ReachClient:
    """The reach of one agent.

    Attributes:
        problem: to show while we should be reachable that way and are not.
        forwarded: bytes that went by hub since the start, both directions together.
    """

    def __init__(
        self,
        ports: Mapping[ReachService, Callable[[], Endpoint | None]],
        callers: CallerAddresses,
        addresses: Live[ReachAddresses],
        rate: Callable[[], int],
        *,
        on_change: Callable[[], None],
        clock: Clock,
    ) -> None:
        """Begin without being reachable.

        Args:
            ports: where our own ports are, once they are open.
            callers: the addresses that stand for callers.
            addresses: is told where we are reachable.
            rate: bytes a second that may go by hub; 0: no limit.
            on_change: is called when they, or the problem, are others.
            clock: for display.
        """
        self._ports = ports
        self._callers = callers
        self._addresses = addresses
        self._pace = Pace(rate, asyncio.get_running_loop().time)
        self._on_change = on_change
        self._clock = clock
        self._connecting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.problem: Problem | None = None
        self.forwarded = 0

    @property
    def addresses(self) -> ReachAddresses:
        """Where we are reachable by hub now."""
        return self._addresses.current

    def become(self, addresses: ReachAddresses) -> None:
        """Take note of where we are reachable from now on."""
        if addresses != self._addresses.current or self.problem is not None:
            self.problem, self._addresses.current = None, addresses
            self._on_change()

    def show(self, detail: str, hint: str) -> None:
        """Show why we are not reachable by hub."""
        if self.problem is None or self.problem.detail != detail:
            _log.warning("Not reachable by hub: %s", detail)
            self.problem = Problem(
                id="reach", title="Not reachable by hub", detail=detail, hint=hint, since=self._clock.now()
            )
            self._on_change()

    async def close(self) -> None:
        """End all connections that go by hub."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def fetch(self, hub: Endpoint, caller: CallerAnnounced) -> None:
        """Fetch a caller from a hub, and connect them to our own port."""

        async def connect(whole: Splice) -> None:
            remote = await connect_tcp(hub)
            try:
                await asyncio.get_running_loop().sock_sendall(remote, caller.session)
            except BaseException:
                remote.close()
                raise
            await whole.attach(remote, whole.ends[0])

        self.accept(caller.service, caller.host, Splice(count=self._count, pace=self._pace), connect)

    def forward(
        self, service: ReachService, host: str, make_end: Callable[[Splice], SpliceEnd]
    ) -> SpliceEnd | None:
        """Connect a caller whose connection is there already to our own port.

        Args:
            service: which port.
            host: the caller's address.
            make_end: makes the end that their connection is attached to.

        Returns:
            That end; None: there are too many, or it is no address.
        """
        whole = Splice(count=self._count, pace=self._pace, make_end=make_end)
        return whole.ends[0] if self.accept(service, host, whole, None) else None

    def accept(
        self,
        service: ReachService,
        host: str,
        whole: Splice,
        connect: Callable[[Splice], Awaitable[None]] | None,
    ) -> bool:
        """Connect a caller to our own port; return False where that is not tried.

        Args:
            service: which port.
            host: the caller's address.
            whole: to run.
            connect: attaches the caller's connection; None: it is attached elsewhere.
        """
        try:
            origin = unmapped(ip_address(host))
        except ValueError:
            _log.warning("A caller at %s was announced, which is no address", for_display(host[:80]))
            return False
        own = self._ports[service]()
        source = (
            self._callers.take(origin) if own is not None and self._connecting < _MOST_CONNECTING else None
        )
        if own is None or source is None:
            _log.info("A caller by hub was not connected: there are too many, or the port is closed")
            return False
        self._connecting += 1  # here, because a task begins later
        task = asyncio.create_task(self._run(own, source, whole, connect))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _run(
        self,
        own: Endpoint,
        source: IPv4Address,
        whole: Splice,
        connect: Callable[[Splice], Awaitable[None]] | None,
    ) -> None:
        try:
            with isolate_errors("forward a connection"):
                if await self._connect(own, source, whole, connect):
                    await whole.run()
        finally:
            whole.abort()
            self._callers.give_back(source)

    async def _connect(
        self,
        own: Endpoint,
        source: IPv4Address,
        whole: Splice,
        connect: Callable[[Splice], Awaitable[None]] | None,
    ) -> bool:
        """Connect both ends; return whether that was done in time."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                # From there, so that bans, limits and lists tell callers apart.
                await whole.attach(await connect_tcp(own, str(source)), whole.ends[1])
                if connect is not None:
                    await connect(whole)
        except (OSError, TimeoutError) as error:
            _log.info("A caller by hub was not connected: %s", str(error) or "it took too long")
            return False
        finally:
            self._connecting -= 1
        return True

    def _count(self, size: int) -> bool:
        self.forwarded += size
        return True
