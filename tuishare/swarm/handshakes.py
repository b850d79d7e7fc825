"""Connections to our ports that have not shaken hands: how many there may be, and for how long (threat T8).

libtorrent 2.1.1 neither counts nor ends a TLS handshake that is under way, so silent connections would use up every
descriptor. They are sockets of this process: what is too slow, or too many from one place, is shut down here, and
libtorrent reads the end of it.

Owns that rule, and what is done when descriptors run short all the same: the ports hear nothing until there are
enough. Must not know torrents; libtorrent tells by `prove` who has shaken hands.
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
from tuishare.swarm.sockets import Address, Sockets

SILENCE: Final = 10.0
"""Seconds within which the first byte comes; whoever connects to us speaks first, in TLS and in BitTorrent."""
HANDSHAKE: Final = 30.0
"""Seconds for the whole handshake: three round trips, with a lost packet or two; libtorrent's own limit is 10."""
PROBE: Final = 0.05
"""Seconds between two looks at how many descriptors are open."""
CALM_PROBE: Final = 0.5
"""Likewise while more than `SPARE` are free: a look costs a microsecond, but waking up twenty times a second is most of
what an agent at rest costs."""
SPARE: Final = 16_384
"""Descriptors that no flood uses up in half a second: a process accepts about 20,000 connections in one."""
BUSY, CALM = 1.0, 5.0
"""Seconds between two looks at all sockets (25 ms for 1,000), while some have not shaken hands, and otherwise."""
MANY: Final = 20
"""Connections that were ended, within an `EPISODE`, from which on a person is told."""
EPISODE: Final = 60.0
_SHORT: Final = 4
"""Handshakes that may go on while descriptors are short."""
_BALLAST: Final = 16
_SOURCES: Final = 1024


@dataclass(frozen=True, slots=True)
class Pending:
    """A connection that has not shaken hands.

    Attributes:
        descriptor: its number.
        inode: its identity.
        peer: the other end.
        received: bytes from there so far.
        since: when it was seen first; seconds of any clock.
    """

    descriptor: int
    inode: int
    peer: Address
    received: int
    since: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """Strangers who hold connections open without shaking hands.

    Attributes:
        since: Unix seconds.
        ended: connections that were ended because of that so far.
        source: the network that most of them come from.
    """

    since: int
    ended: int
    source: str


@dataclass(frozen=True, slots=True)
class Usage:
    """How many descriptors of this process are open, and how many may be."""

    used: int
    limit: int
    reserve: int

    @property
    def short(self) -> bool:
        """Whether so few are left that parts of the program may fail."""
        return self.limit - self.used < self.reserve // 2


def networks_of(host: str) -> tuple[str, str]:
    """Return the two blocks that an address is counted in: IPv4 /32 and /24, IPv6 /64 and /48."""
    address = ip_address(host.partition("%")[0])
    near, far = (32, 24) if isinstance(address, IPv4Address) else (64, 48)
    return _block(address, near), _block(address, far)


def _block(address: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_network(f"{address}/{bits}", strict=False))


def choose_ends(pending: Iterable[Pending], now: float, room: int) -> list[Pending]:
    """Choose which connections end; pure.

    All that had their time do. Of the others at most `room` stay: a quarter of that from one address, half of it from
    one network. Who has sent nothing goes first, then who came first, so a member's handshake, which takes three round
    trips, outlives the connections that are held open on purpose.
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
    # Counted from the one that may stay longest.
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
    """What is known of sockets by inode from one look to the next."""

    settled: set[int] = field(default_factory=set)
    """Have shaken hands, or are none of ours to judge."""
    since: dict[int, float] = field(default_factory=dict)
    doors: dict[int, int] = field(default_factory=dict)
    """Listening sockets and their descriptors."""

    def keep(self, seen: Collection[int]) -> None:
        """Forget all but those that were seen."""
        self.settled.intersection_update(seen)
        for known in (self.since, self.doors):
            for inode in known.keys() - seen:
                del known[inode]


class Handshakes:
    """Watches over the connections to our ports; `close` it.

    Attributes:
        recover: called on the loop when descriptors are enough again: libtorrent lowers its limit of connections for
            good when it finds none.
    """

    def __init__(self, ports: Collection[int], allotment: DescriptorBudget) -> None:
        """`ports`: that TCP is listened on."""
        self.recover: Callable[[], None] = lambda: None
        self._ports = frozenset(ports)
        self._allotment = allotment
        self._sockets = Sockets()
        self._thread = ThreadPoolExecutor(1, "handshakes")
        self._memory = _Memory()
        self._proven: dict[Address, None] = {}
        self._ballast: list[int] = []
        self._deaf = False
        self._short = False
        self._used = 0
        self._due = 0.0
        self._ends: list[tuple[float, int]] = []
        self._sources: Counter[str] = Counter()
        self._crowd: Crowd | None = None
        self._told = 0

    @property
    def crowd(self) -> Crowd | None:
        """Who keeps us busy with connections that lead to nothing; None while it is calm."""
        return self._crowd

    @property
    def usage(self) -> Usage:
        """Of descriptors, at the last look."""
        return Usage(self._used, self._allotment.limit, self._allotment.reserve)

    def prove(self, peer: Address) -> None:
        """Take note that a peer has shaken hands and is in a swarm; one of whom that is lost has to call again."""
        self._proven[peer] = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            if self._must_look():
                was_short = self._short
                await self.on_thread(self._look)
                if was_short and not self._short:
                    self.recover()
            await asyncio.sleep(CALM_PROBE if self._has_spare() else PROBE)

    async def end_peers(self, peers: Collection[Address]) -> int:
        """Hang up on peers that have shaken hands; return on how many connections."""
        return await self.on_thread(lambda: self._hang_up(frozenset(peers)))

    async def on_thread(self, work: Callable[[], int]) -> int:
        """Look at sockets beside the loop, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Stop looking; blocks for as long as a look takes."""
        self._thread.shutdown()
        self._listen(deaf=False)
        self._drop_ballast()
        self._sockets.close()

    def _has_spare(self) -> bool:
        """Whether descriptors abound, and no flood is under way."""
        return not self._deaf and self._crowd is None and self._allotment.limit - self._used > SPARE

    def _must_look(self) -> bool:
        level, allotment = self._sockets.is_at_least(), self._allotment
        grown = level - self._used > allotment.handshakes // 2
        short = allotment.limit - level < allotment.reserve // 2
        return grown or short or self._deaf or time.monotonic() >= self._due

    def _look(self) -> int:
        """Look at all sockets of ours, and end what is to be ended; return how many were."""
        now, allotment = time.monotonic(), self._allotment
        level = self._sockets.is_at_least()
        if level - self._used > allotment.handshakes // 2 or level >= allotment.limit:
            self._listen(deaf=True)  # while it is looked no more come
        if level >= allotment.limit:
            self._drop_ballast()  # libtorrent accepts in a busy loop now, and takes this to end it
        pending = self._find_pending(now)
        self._short = self.usage.short
        ends = choose_ends(pending, now, _SHORT if self._short else allotment.handshakes)
        for each in ends:
            self._sockets.end(each.descriptor, each.inode, reset=True)
        self._note(ends, now)
        self._used -= len(ends)
        self._listen(deaf=self._short)
        if not self._short:
            self._take_ballast()
        self._due = now + (BUSY if pending else CALM)
        return len(ends)

    def _find_pending(self, now: float) -> list[Pending]:
        memory, sockets = self._memory, self._sockets
        proven = list(self._proven)
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
                    memory.doors[inode] = descriptor
                if found is None or found.port:  # without a port it may be about to get one
                    memory.settled.add(inode)
            elif found.peer is not None:  # else it is being closed
                if found.peer in self._proven:
                    memory.settled.add(inode)
                else:
                    since = memory.since.setdefault(inode, now)
                    pending.append(Pending(descriptor, inode, found.peer, found.received, since))
        memory.keep(seen)
        for peer in proven:  # their sockets were seen now, or are gone, or were none of ours to judge
            self._proven.pop(peer, None)
        return pending

    def _hang_up(self, peers: Collection[Address]) -> int:
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

    def _listen(self, *, deaf: bool) -> None:
        if deaf != self._deaf:
            self._deaf = deaf
            for inode, descriptor in self._memory.doors.items():
                self._sockets.deafen(descriptor, inode, deaf=deaf)

    def _take_ballast(self) -> None:
        with contextlib.suppress(OSError):
            while len(self._ballast) < min(_BALLAST, self._allotment.reserve // 4):
                self._ballast.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))

    def _drop_ballast(self) -> None:
        while self._ballast:
            os.close(self._ballast.pop())
