"""How others may reach this machine: its address as others see it, and ports that a router forwards.

Owns what peers, trackers and the router said about that. Hearsay: a peer may lie about our address, so nothing that
must be true depends on it. Must not talk to anybody itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from tuishare.swarm.notices import AddressTold, PortMapped, PortMappingFailed, Router
from tuishare.text import visible

MAX_ADDRESSES = 8
"""More addresses than this are not kept; a machine has one per family and network."""
ROUTER_PATIENCE = 5.0
"""Seconds that a router has for its answers; it may take up to three for the first one, and most take none."""
_SILENCE = "no router has answered UPnP or NAT-PMP"


@dataclass(frozen=True, slots=True)
class MappedPort:
    """A port that the router forwards to us.

    Attributes:
        port: our own port; 0 where the router's answer does not tell.
        external_port: the router's port, which others connect to.
        protocol: `tcp` or `udp`.
        router: how the router was asked.
    """

    port: int
    external_port: int
    protocol: Literal["tcp", "udp"]
    router: Router


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port that the router was asked to forward; it is kept until the engine closes.

    Attributes:
        port: our own port.
        asked: whether there was any router to ask (port mapping is on, and an interface may have one).
    """

    port: int
    asked: bool


class Reachability:
    """What is known at present."""

    def __init__(self) -> None:
        self._addresses: Counter[str] = Counter()
        self._own: dict[int, int] = {}
        # Each listening socket counts its requests anew, so numbers alone would mix up two of our ports.
        self._mapped: dict[tuple[Router, int, int], MappedPort] = {}
        self._faults: dict[tuple[Router, int], str] = {}
        self._asked: set[int] = set()
        self._silent = False
        self._heard = asyncio.Event()
        self._heard.set()

    def ask(self, *ports: int) -> None:
        """Take note that a router was just asked to forward these ports of ours; needs a running loop."""
        self._asked.update(ports)
        self._heard.clear()
        self._settle()  # its answer may have been faster than we
        asyncio.get_running_loop().call_later(ROUTER_PATIENCE, self._give_up)

    async def hear(self) -> None:
        """Return when a router forwards every port it was asked for, or has had its time."""
        await self._heard.wait()

    def expect(self, port: int, numbers: Collection[int]) -> None:
        """Remember under which numbers libtorrent will report about one of our ports."""
        self._own.update(dict.fromkeys(numbers, port))

    def note(self, notice: AddressTold | PortMapped | PortMappingFailed) -> None:
        """Take in one report."""
        match notice:
            case AddressTold():
                if len(self._addresses) < MAX_ADDRESSES or notice.address in self._addresses:
                    self._addresses[notice.address] += 1
            case PortMapped():
                self._faults.pop((notice.router, notice.number), None)
                self._mapped[notice.router, notice.number, notice.external_port] = MappedPort(
                    0, notice.external_port, notice.protocol, notice.router
                )
            case PortMappingFailed():
                self._mapped = {
                    key: found
                    for key, found in self._mapped.items()
                    if key[:2] != (notice.router, notice.number)
                }
                self._faults[notice.router, notice.number] = visible(notice.reason, limit=200)
        self._settle()

    def _settle(self) -> None:
        if self._asked <= {found.port for found in self.mapped(self._asked) if found.protocol == "tcp"}:
            self._heard.set()

    def _give_up(self) -> None:
        # libtorrent goes on asking for minutes before it says that there is no router, and for NAT-PMP it never does.
        self._silent = True
        self._heard.set()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return our addresses as others see them, the one told most often first."""
        return tuple(address for address, _ in self._addresses.most_common())

    def mapped(self, listening: Collection[int]) -> tuple[MappedPort, ...]:
        """Return every forwarded port.

        Args:
            listening: the ports of our swarms. libtorrent asks for the same port outside, and does not say for which
                one it asked: of several, only one that got its own number is known.
        """
        swarms = {*listening} - {*self._own.values()}
        alone = next(iter(swarms)) if len(swarms) == 1 else 0

        def find_own(number: int, external: int) -> int:
            return self._own.get(number, external if external in swarms else alone)

        return tuple(
            replace(found, port=find_own(number, found.external_port))
            for (_, number, _), found in self._mapped.items()
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """Return why ports are not forwarded, one sentence each."""
        if self._silent and not (self._mapped or self._faults):
            return (_SILENCE,)
        return tuple(
            dict.fromkeys(f"{router} did not map a port: {why}" for (router, _), why in self._faults.items())
        )
