"""How others may reach this machine: its address as others see it, and ports that a router forwards.

Owns what peers, trackers and the router said about that. Hearsay: a peer may lie about our address, so nothing that
must be true depends on it. Must not talk to anybody itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from tuishare.sanitize import for_display
from tuishare.swarm.alerts import ExternalAddress, PortMapped, PortMappingFailed, Router

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


class RouterMappings:
    """What is known at present."""

    def __init__(self) -> None:
        self._addresses: dict[str, None] = {}
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

    def note(self, alert: ExternalAddress | PortMapped | PortMappingFailed) -> None:
        """Take in one report."""
        match alert:
            case ExternalAddress():
                # libtorrent tells one when it has become another: the last one is the one that we have now.
                self._addresses.pop(alert.address, None)
                self._addresses[alert.address] = None
                if len(self._addresses) > MAX_ADDRESSES:
                    del self._addresses[next(iter(self._addresses))]
            case PortMapped():
                key = alert.router, alert.number, alert.external_port
                if key not in self._mapped:
                    self._make_room(alert)
                self._mapped[key] = MappedPort(0, alert.external_port, alert.protocol, alert.router)
                if self._is_own(alert):
                    self._faults.pop((alert.router, alert.number), None)
            case PortMappingFailed():
                self._make_room(alert)
                self._faults[alert.router, alert.number] = for_display(alert.reason, limit=200)
        self._settle()

    def _is_own(self, alert: PortMapped | PortMappingFailed) -> bool:
        return alert.number in self._own

    def _make_room(self, alert: PortMapped | PortMappingFailed) -> None:
        """Forget what was mapped under this number, unless it may be another port's: swarms share their numbers."""
        known = [key for key in self._mapped if key[:2] == (alert.router, alert.number)]
        swarms = len(self._asked.difference(self._own.values()))
        if self._is_own(alert) or (swarms and len(known) >= swarms):
            for key in known:
                del self._mapped[key]

    def _settle(self) -> None:
        if self._are_forwarded():
            self._heard.set()

    def _are_forwarded(self) -> bool:
        return self._asked <= {found.port for found in self.mapped(self._asked) if found.protocol == "tcp"}

    def _give_up(self) -> None:
        # libtorrent goes on asking for minutes before it says that there is no router, and for NAT-PMP it never does.
        self._silent = True
        self._heard.set()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return our addresses as others see them, the one told last first."""
        return tuple(reversed(self._addresses))

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
        """Return why ports are not forwarded, one sentence each; nothing once every port is."""
        if self._asked and self._are_forwarded():
            return ()
        if self._silent and not (self._mapped or self._faults):
            return (_SILENCE,)
        return tuple(
            dict.fromkeys(f"{router} did not map a port: {why}" for (router, _), why in self._faults.items())
        )
