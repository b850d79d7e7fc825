"""Reach: ports of the hub at which members behind routers are reachable.

Owns the lent ports, the callers there, and their way to the member: the member is told of each over their own
connection, opens another one to the hub that begins with the session id, and the two are spliced. The hub dials
nothing, so it is no proxy for anyone. Must not look at what goes through.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, TypeAlias, get_args

from tuishare.config.units import parse_size
from tuishare.errors import TuishareError
from tuishare.hub.mailboxes import Mailboxes
from tuishare.hub.reach_limits import WAIT_SECONDS, ReachLimits
from tuishare.hub.settings import HubSettings
from tuishare.link.mailbox.messages import CallerAnnounced, PortsLent, PortsRefused, ReachService
from tuishare.link.ssh_port import listen
from tuishare.net.addresses import Address, unmapped
from tuishare.net.connection_slots import ConnectionSlot, ConnectionSlots
from tuishare.net.local_machine import mark_port
from tuishare.net.splice import Pace, Splice, splice

_SESSION: Final = 16
_SERVICES: Final[tuple[ReachService, ...]] = get_args(ReachService)
_EXHAUSTED_SECONDS: Final = 0.5
"""To wait when this process may open no more files; asking again at once would only burn the processor."""
_RETRY_SECONDS: Final = 600
_log = logging.getLogger(__name__)

ToReached: TypeAlias = CallerAnnounced | PortsRefused
TellMember: TypeAlias = Callable[[ToReached], None]
TakeConnection: TypeAlias = Callable[[socket.socket, Address, ConnectionSlot], Coroutine[Any, Any, None]]


class _Port:
    """One listening socket, and the connections that were made to it."""

    def __init__(self, listening: socket.socket, slots: ConnectionSlots, limits: ReachLimits) -> None:
        host, port = listening.getsockname()[:2]
        self.number = int(port)
        self._listening = listening
        self._mark = mark_port(host, self.number)
        self._slots = slots
        self._limits = limits
        self._accepting: asyncio.Task[None] | None = None

    def start(self, connected: TakeConnection) -> None:
        """Begin to accept; `connected` takes each connection over."""
        self._accepting = asyncio.create_task(self._accept(connected))

    async def close(self) -> None:
        """Stop listening; connections stay."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)  # which lets go of the socket first
        self._listening.close()
        if self._mark is not None:
            self._mark.close()

    async def _accept(self, connected: TakeConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, name = await loop.sock_accept(self._listening)
            except OSError:
                await asyncio.sleep(0 if self._slots.make_room() else _EXHAUSTED_SECONDS)
                continue
            host = unmapped(ip_address(name[0].partition("%")[0]))
            slot = self._slots.take(host) if self._slots.bounds.admits(host) else None
            if slot is None:
                self._limits.refused += 1
                connection.close()
            else:
                self._hand_over(connected(connection, host, slot), connection, slot)
            await asyncio.sleep(0)  # otherwise the whole backlog would be accepted in one turn of the loop

    def _hand_over(
        self, work: Coroutine[Any, Any, None], connection: socket.socket, slot: ConnectionSlot
    ) -> None:
        task = asyncio.create_task(work)
        slot.close = task.cancel

        def finish(task: asyncio.Task[None]) -> None:
            slot.close = _nothing  # it refers to the task, which refers to all that was in its frames
            self._slots.give_back(slot)
            if task.cancelled() or task.exception():
                connection.close()
            if not task.cancelled() and (error := task.exception()):
                _log.error("A connection ended by a mistake of this program", exc_info=error)

        task.add_done_callback(finish)


@dataclass(eq=False)
class _Lease:
    """The ports that are lent to one member while they are connected."""

    mailbox: bytes
    tell: TellMember
    ports: list[_Port] = field(default_factory=list)
    waiting: dict[bytes, asyncio.Future[socket.socket]] = field(default_factory=dict)
    """By session id, what the member's connection is given to."""

    async def close(self) -> None:
        for arrived in self.waiting.values():
            arrived.cancel()
        await asyncio.gather(*(port.close() for port in self.ports))


class ReachServer:
    """The lent ports of one hub.

    Attributes:
        limits: what is counted.
    """

    def __init__(self, mailboxes: Mailboxes, settings: HubSettings) -> None:
        """Listen where members fetch their callers, unless no ports are lent.

        Raises:
            SystemFailed: the port cannot be opened.
        """
        loop = asyncio.get_running_loop()
        self._mailboxes = mailboxes
        self._ports = settings.reach.port_range
        self._host = settings.reach.listen_endpoint.host
        self._rate = parse_size(settings.reach.rate)
        self._paces: dict[bytes, Pace] = {}
        self._leases: dict[bytes, _Lease] = {}
        self._spliced: dict[bytes, set[asyncio.Task[None]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._lending = asyncio.Lock()
        self.limits = ReachLimits(settings, loop.time)
        self._fetching: _Port | None = None
        if self._ports:
            listening = listen(self._host, settings.reach.listen_endpoint.port, "reach")
            self._fetching = _Port(listening, self.limits.fetching, self.limits)
            self._fetching.start(self._take_member)

    async def close(self) -> None:
        """End all connections, and stop listening."""
        if self._fetching is not None:
            await self._fetching.close()
        for lease in tuple(self._leases.values()):
            self._end(lease)
        tasks = [task for tasks in self._spliced.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._closing, return_exceptions=True)

    def ports_of(self, mailbox: bytes) -> tuple[int, ...]:
        """Return the ports that are lent to a member now, in the order of `ReachService`; empty: none."""
        lease = self._leases.get(mailbox)
        return tuple(port.number for port in lease.ports) if lease is not None else ()

    async def lend(self, mailbox: bytes, tell: TellMember) -> PortsLent | PortsRefused:
        """Open the ports of a member; a newer call replaces the former.

        Args:
            mailbox: of the member.
            tell: passes a message on to the member; never blocks.
        """
        if self._fetching is None:
            return PortsRefused(_RETRY_SECONDS, "this hub lends no ports")
        if seconds := self.limits.seconds_to_wait(mailbox):
            return PortsRefused(seconds, "all bytes of a day are used up")
        try:
            number = await self._mailboxes.lent_number(mailbox, len(self._ports) // len(_SERVICES))
        except TuishareError as error:
            _log.warning("No ports are lent to a member: %s", error.detail)
            return PortsRefused(_RETRY_SECONDS, "the disk of the hub refuses")
        if number is None:
            return PortsRefused(_RETRY_SECONDS, "all ports of this hub are lent")
        async with self._lending:
            return await self._open(_Lease(mailbox, tell), number, self._fetching.number)

    async def _open(self, lease: _Lease, number: int, accept: int) -> PortsLent | PortsRefused:
        if former := self._leases.get(lease.mailbox):
            self._end(former)
        await asyncio.gather(*self._closing)
        try:
            for place, service in enumerate(_SERVICES):
                listening = listen(self._host, self._ports[len(_SERVICES) * number + place], "a member")
                port = _Port(listening, self.limits.waiting, self.limits)
                lease.ports.append(port)
                port.start(self._taker(lease, service))
        except TuishareError as error:
            await lease.close()
            _log.warning("No ports are lent to a member: %s", error.detail)
            return PortsRefused(_RETRY_SECONDS, "a port is in use")
        self._leases[lease.mailbox] = lease
        link, tracker, swarm = self.ports_of(lease.mailbox)
        return PortsLent(link, tracker, swarm, accept)

    def end(self, mailbox: bytes, tell: TellMember) -> None:
        """Close the ports that were lent by `lend` with this `tell`; connections that were fetched stay."""
        lease = self._leases.get(mailbox)
        if lease is not None and lease.tell == tell:
            self._end(lease)

    def remove(self, mailbox: bytes) -> None:
        """End everything of a member who was removed."""
        if lease := self._leases.get(mailbox):
            self._end(lease)
        for task in self._spliced.pop(mailbox, ()):
            task.cancel()
        self._paces.pop(mailbox, None)
        self.limits.forget(mailbox)

    def _end(self, lease: _Lease) -> None:
        if self._leases.get(lease.mailbox) is lease:
            del self._leases[lease.mailbox]
        closing = asyncio.create_task(lease.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _taker(self, lease: _Lease, service: ReachService) -> TakeConnection:
        async def take(connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
            await self._take_caller(lease, service, connection, host, slot)

        return take

    async def _take_caller(
        self,
        lease: _Lease,
        service: ReachService,
        connection: socket.socket,
        host: Address,
        slot: ConnectionSlot,
    ) -> None:
        """Announce a caller to the member, and splice both connections once the member's is there."""
        with contextlib.closing(connection):
            fetched = await self._wait_for_member(lease, service, host)
            if fetched is None:
                self.limits.refused += 1
                return
            self.limits.waiting.give_back(slot)  # it is no stranger's any more: the member wants it
            slot.close = _nothing
            with contextlib.closing(fetched):
                await self._forward(lease, host, connection, fetched)

    async def _wait_for_member(
        self, lease: _Lease, service: ReachService, host: Address
    ) -> socket.socket | None:
        if not self.limits.has_room(lease.mailbox, host):
            return None
        session = secrets.token_bytes(_SESSION)
        arrived: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        lease.waiting[session] = arrived
        usage = self.limits.of(lease.mailbox)
        usage.waiting += 1
        lease.tell(CallerAnnounced(session, service, str(host)))
        try:
            await asyncio.wait({arrived}, timeout=WAIT_SECONDS)
        except asyncio.CancelledError:
            if arrived.done() and not arrived.cancelled():
                arrived.result().close()
            raise
        finally:
            usage.waiting -= 1
            del lease.waiting[session]
        return arrived.result() if arrived.done() and not arrived.cancelled() else None

    async def _forward(
        self, lease: _Lease, host: Address, caller: socket.socket, member: socket.socket
    ) -> None:
        mailbox, task = lease.mailbox, asyncio.current_task()
        assert task is not None
        tasks = self._spliced.setdefault(mailbox, set())
        tasks.add(task)
        self.limits.begin(mailbox, host)
        pace = self._paces.setdefault(mailbox, Pace(lambda: self._rate, asyncio.get_running_loop().time))
        moved = 0

        def count(size: int) -> bool:
            nonlocal moved
            moved += size
            has_left = self.limits.count(mailbox, size)
            if not has_left:
                self._refuse_for_today(mailbox)
            return has_left

        try:
            await splice(caller, member, Splice(count=count, pace=pace))
        finally:
            self.limits.end(mailbox, host)
            self.limits.note_served(host, moved)
            tasks.discard(task)

    def _refuse_for_today(self, mailbox: bytes) -> None:
        if lease := self._leases.get(mailbox):
            seconds = self.limits.seconds_to_wait(mailbox)
            lease.tell(PortsRefused(seconds, "all bytes of a day are used up"))
            self._end(lease)

    async def _take_member(self, connection: socket.socket, host: Address, slot: ConnectionSlot) -> None:
        """Read which caller a member fetches; a session id works once."""
        del host, slot
        loop = asyncio.get_running_loop()
        session = b""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while len(session) < _SESSION:
                    piece = await loop.sock_recv(connection, _SESSION - len(session))
                    if not piece:
                        break
                    session += piece
        except (OSError, TimeoutError):
            session = b""
        waiting = next(
            (lease.waiting[session] for lease in self._leases.values() if session in lease.waiting), None
        )
        if waiting is None or waiting.done():
            connection.close()
        else:
            waiting.set_result(connection)


def _nothing() -> None:
    """End no connection: it has ended."""
