"""Limits for connections to our ports that have not completed their handshake (threat T8).

libtorrent 2.1.1 neither counts nor times out TLS handshakes, so silent connections would use up all descriptors. They
are sockets of this process: those that are too slow, or too many from one network, are shut down here, and libtorrent
sees them close.

Owns that rule, and the reaction to a shortage of descriptors: the ports accept nothing until there are enough again.
Must not know torrents; `record_handshake` reports the peers that have completed their handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from tuishare.net.descriptors import DescriptorBudget
from tuishare.swarm.sockets import HostPort, Sockets

SILENCE: Final = 10.0
"""Timeout in seconds for the first byte; the connecting side sends first, in TLS and in BitTorrent."""
HANDSHAKE: Final = 30.0
"""Timeout in seconds for the whole handshake: three round trips and a lost packet or two; libtorrent's is 10."""
PROBE: Final = 0.05
"""Seconds between two checks of the number of open descriptors."""
CALM_PROBE: Final = 0.5
"""Likewise while more than `SPARE` are free: a check costs a microsecond, but waking up twenty times a second is most
of the CPU time of an idle agent."""
SPARE: Final = 16_384
"""More descriptors than a flood can use up in half a second: a process accepts about 20,000 connections per second."""
BUSY, CALM = 1.0, 5.0
"""Seconds between two scans of all sockets (25 ms for 1,000): while handshakes are pending, and otherwise."""
MANY: Final = 20
"""Connections ended within an `EPISODE` from which on the flood is reported."""
EPISODE: Final = 60.0
_SHORT: Final = 4
"""Pending handshakes allowed while descriptors are short."""
_BALLAST: Final = 16
_SOURCES: Final = 1024


@dataclass(frozen=True, slots=True)
class Pending:
    """A connection that has not completed its handshake.

    Attributes:
        descriptor: of the socket.
        inode: identifies the socket.
        peer: the remote end.
        received: bytes so far.
        since: when it was first seen; seconds of any clock.
    """

    descriptor: int
    inode: int
    peer: HostPort
    received: int
    since: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """A flood of connections without handshakes.

    Attributes:
        since: Unix seconds.
        ended: number of connections ended so far.
        source: the network that most of them come from.
    """

    since: int
    ended: int
    source: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Open descriptors of this process, and their limit."""

    used: int
    limit: int
    reserve: int

    @property
    def short(self) -> bool:
        """Whether so few are free that parts of the program may fail."""
        return self.limit - self.used < self.reserve // 2


def networks_of(host: str) -> tuple[str, str]:
    """Return the two networks that an address is counted in: IPv4 /32 and /24, IPv6 /64 and /48."""
    address = ip_address(host.partition("%")[0])
    near, far = (32, 24) if isinstance(address, IPv4Address) else (64, 48)
    return _block(address, near), _block(address, far)


def _block(address: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_network(f"{address}/{bits}", strict=False))


def choose_ends(pending: Iterable[Pending], now: float, room: int) -> list[Pending]:
    """Choose the connections to end; pure.

    All that have timed out end. Of the others, at most `room` stay: a quarter of that from one address, half of it from
    one network. Silent connections end first, then the oldest, so a member's handshake, which takes three round trips,
    outlives the connections of an attacker.
    """
    ends: list[Pending] = []
    left: list[Pending] = []
    for each in pending:
        age = now - each.since
        late = age >= HANDSHAKE or (not each.received and age >= SILENCE)
        (ends if late else left).append(each)
    near: Counter[str] = Counter()
    far: Counter[str] = Counter()
    stay = 0
    # Starting with the last one to end.
    for each in sorted(left, key=lambda one: (one.received > 0, one.since), reverse=True):
        here, around = networks_of(each.peer[0])
        if stay >= room or near[here] >= max(_SHORT, room // 4) or far[around] >= max(_SHORT, room // 2):
            ends.append(each)
            continue
        stay += 1
        near[here] += 1
        far[around] += 1
    return ends


@dataclass(slots=True)
class _Memory:
    """State of sockets, by inode, between two scans."""

    settled: set[int] = field(default_factory=set)
    """Have completed their handshake, or are not connections to our ports."""
    since: dict[int, float] = field(default_factory=dict)
    listeners: dict[int, int] = field(default_factory=dict)
    """Listening sockets and their descriptors."""

    def keep(self, seen: Collection[int]) -> None:
        """Drop all inodes but those that were seen."""
        self.settled.intersection_update(seen)
        for known in (self.since, self.listeners):
            for inode in known.keys() - seen:
                del known[inode]


class Handshakes:
    """Watches the connections to our ports; must be closed.

    Args:
        ports: our TCP listeners.
        allotment: the division of this process's descriptors.
        recover: called on the event loop when there are enough descriptors again: libtorrent lowers its connection
            limit permanently when it finds none.
    """

    def __init__(
        self, ports: Collection[int], allotment: DescriptorBudget, recover: Callable[[], None]
    ) -> None:
        self._recover = recover
        self.watch_ports(ports)
        self._allotment = allotment
        self._sockets = Sockets()
        self._thread = ThreadPoolExecutor(1, "handshakes")
        self._memory = _Memory()
        self._completed: dict[HostPort, None] = {}
        self._ballast: list[int] = []
        self._blocked = False
        self._short = False
        self._used = 0
        self._due = 0.0
        self._ends: list[tuple[float, int]] = []
        self._sources: Counter[str] = Counter()
        self._crowd: Crowd | None = None
        self._told = 0

    def watch_ports(self, ports: Collection[int]) -> None:
        """Watch these listeners from now on."""
        self._ports = frozenset(ports)

    @property
    def crowd(self) -> Crowd | None:
        """The present flood of connections; None if there is none."""
        return self._crowd

    @property
    def usage(self) -> Usage:
        """The descriptors in use at the last scan."""
        return Usage(self._used, self._allotment.limit, self._allotment.reserve)

    def record_handshake(self, peer: HostPort) -> None:
        """Record that a peer has completed its handshake; one that is missed is disconnected and must retry."""
        self._completed[peer] = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            if self._is_scan_due():
                was_short = self._short
                await self.on_thread(self._scan)
                if was_short and not self._short:
                    self._recover()
            await asyncio.sleep(CALM_PROBE if self._has_spare() else PROBE)

    async def end_peers(self, peers: Collection[HostPort]) -> int:
        """Disconnect peers that have completed their handshake; return the number of connections."""
        return await self.on_thread(lambda: self._disconnect(frozenset(peers)))

    async def on_thread(self, work: Callable[[], int]) -> int:
        """Run a scan on the dedicated thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Stop; blocks for the duration of a scan."""
        self._thread.shutdown()
        self._listen(blocked=False)
        self._drop_ballast()
        self._sockets.close()

    def _has_spare(self) -> bool:
        """Whether more than `SPARE` descriptors are free and there is no flood."""
        return not self._blocked and self._crowd is None and self._allotment.limit - self._used > SPARE

    def _is_scan_due(self) -> bool:
        level, allotment = self._sockets.is_at_least(), self._allotment
        grown = level - self._used > allotment.handshakes // 2
        short = allotment.limit - level < allotment.reserve // 2
        return grown or short or self._blocked or time.monotonic() >= self._due

    def _scan(self) -> int:
        """Scan all sockets, and end the connections to end; return their number."""
        now, allotment = time.monotonic(), self._allotment
        level = self._sockets.is_at_least()
        if level - self._used > allotment.handshakes // 2 or level >= allotment.limit:
            self._listen(blocked=True)  # accept nothing during the scan
        if level >= allotment.limit:
            self._drop_ballast()  # libtorrent now accepts in a busy loop, which these descriptors end
        pending = self._find_pending(now)
        self._short = self.usage.short
        ends = choose_ends(pending, now, _SHORT if self._short else allotment.handshakes)
        for each in ends:
            self._sockets.end(each.descriptor, each.inode, reset=True)
        self._note(ends, now)
        self._used -= len(ends)
        self._listen(blocked=self._short)
        if not self._short:
            self._take_ballast()
        self._due = now + (BUSY if pending else CALM)
        return len(ends)

    def _find_pending(self, now: float) -> list[Pending]:
        memory, sockets = self._memory, self._sockets
        proven = list(self._completed)
        pending: list[Pending] = []
        seen: set[int] = set()
        descriptors = sockets.descriptors()
        self._used = len(descriptors)
        for descriptor, inode in sockets.find(descriptors):
            seen.add(inode)
            if inode in memory.settled:
                continue
            found = sockets.look(descriptor, inode)
            if found is None or found.port not in self._ports or found.listens:
                if found is not None and found.listens and found.port in self._ports:
                    memory.listeners[inode] = descriptor
                if found is None or found.port:  # a socket without a port may be about to get one
                    memory.settled.add(inode)
            elif found.peer is not None:  # otherwise it is being closed
                if found.peer in self._completed:
                    memory.settled.add(inode)
                else:
                    since = memory.since.setdefault(inode, now)
                    pending.append(Pending(descriptor, inode, found.peer, found.received, since))
        memory.keep(seen)
        for peer in (
            proven
        ):  # their sockets were seen by this scan, or are closed, or are not connections to our ports
            self._completed.pop(peer, None)
        return pending

    def _disconnect(self, peers: Collection[HostPort]) -> int:
        count = 0
        for descriptor, inode in self._sockets.find(self._sockets.descriptors()):
            found = self._sockets.look(descriptor, inode)
            if found is not None and found.peer in peers:
                self._sockets.end(descriptor, inode, reset=False)
                count += 1
        return count

    def _note(self, ends: Collection[Pending], now: float) -> None:
        self._ends = [(at, count) for at, count in self._ends if now - at < EPISODE]
        if ends:
            self._ends.append((now, len(ends)))
            self._told += len(ends)
            self._sources.update(networks_of(each.peer[0])[1] for each in ends)
            if len(self._sources) > _SOURCES:
                self._sources = Counter(dict(self._sources.most_common(_SOURCES // 2)))
        if not self._ends:
            self._crowd, self._told = None, 0
            self._sources.clear()
        elif self._crowd or sum(count for _, count in self._ends) >= MANY:
            since = self._crowd.since if self._crowd else int(time.time())
            self._crowd = Crowd(since, self._told, self._sources.most_common(1)[0][0])

    def _listen(self, *, blocked: bool) -> None:
        if blocked != self._blocked:
            self._blocked = blocked
            for inode, descriptor in self._memory.listeners.items():
                self._sockets.set_blocked(descriptor, inode, blocked=blocked)

    def _take_ballast(self) -> None:
        with contextlib.suppress(OSError):
            while len(self._ballast) < min(_BALLAST, self._allotment.reserve // 4):
                self._ballast.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))

    def _drop_ballast(self) -> None:
        while self._ballast:
            os.close(self._ballast.pop())
