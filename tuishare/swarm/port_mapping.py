"""Our external addresses, and the ports that a router forwards.

Owns what peers, trackers and the router have reported. A peer may lie about our address, so nothing security-relevant
depends on it. Must not send anything itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from tuishare.sanitize import for_display
from tuishare.swarm.alerts import ExternalAddress, PortMapped, PortMappingFailed, Router

MAX_ADDRESSES = 8
"""Maximum number of addresses to keep; a machine has one per family and network."""
ROUTER_SECONDS = 5.0
"""Timeout of a router's answers in seconds; the first may take up to three, most take none."""
_SILENCE = "no router has answered UPnP or NAT-PMP"


@dataclass(frozen=True, slots=True)
class MappedPort:
    """A port that the router forwards to us.

    Attributes:
        port: our own port; 0 if unknown.
        external_port: the router's port, which others connect to.
        protocol: `tcp` or `udp`.
        router: the protocol used with the router.
    """

    port: int
    external_port: int
    protocol: Literal["tcp", "udp"]
    router: Router


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A requested port mapping, kept until the engine closes.

    Attributes:
        port: our own port.
        asked: whether a request was sent (port mapping is on, and an interface may have a router).
    """

    port: int
    asked: bool


class RouterMappings:
    """The present addresses and port mappings."""

    def __init__(self) -> None:
        self._addresses: dict[str, None] = {}
        self._own: dict[int, int] = {}
        # Each listening socket numbers its requests from 0, so numbers alone would confuse two of our ports.
        self._mapped: dict[tuple[Router, int, int], MappedPort] = {}
        self._faults: dict[tuple[Router, int], str] = {}
        self._asked: set[int] = set()
        self._silent = False
        self._answered = asyncio.Event()
        self._answered.set()

    def ask(self, *ports: int) -> None:
        """Record that a router was just asked to forward these ports; needs a running event loop."""
        self._asked.update(ports)
        self._answered.clear()
        self._settle()  # the answer may have arrived already
        asyncio.get_running_loop().call_later(ROUTER_SECONDS, self._end_wait)

    async def wait(self) -> None:
        """Wait until a router forwards every requested port, or the timeout."""
        await self._answered.wait()

    def expect(self, port: int, numbers: Collection[int]) -> None:
        """Record the request numbers that libtorrent will use for one of our ports."""
        self._own.update(dict.fromkeys(numbers, port))

    def note(self, alert: ExternalAddress | PortMapped | PortMappingFailed) -> None:
        """Apply one alert."""
        match alert:
            case ExternalAddress():
                # libtorrent reports changes: the last address is the present one.
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
        """Drop the mapping with this number, unless it may be another port's: the ports of swarms share numbers."""
        known = [key for key in self._mapped if key[:2] == (alert.router, alert.number)]
        swarms = len(self._asked.difference(self._own.values()))
        if self._is_own(alert) or (swarms and len(known) >= swarms):
            for key in known:
                del self._mapped[key]

    def _settle(self) -> None:
        if self._are_forwarded():
            self._answered.set()

    def _are_forwarded(self) -> bool:
        return self._asked <= {found.port for found in self.mapped(self._asked) if found.protocol == "tcp"}

    def _end_wait(self) -> None:
        # libtorrent retries for minutes before it reports that there is no router, and for NAT-PMP it never does.
        self._silent = True
        self._answered.set()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Our addresses as reported by others, latest first."""
        return tuple(reversed(self._addresses))

    def mapped(self, listening: Collection[int]) -> tuple[MappedPort, ...]:
        """Return every forwarded port.

        Args:
            listening: the ports of our swarms. libtorrent requests the same external port, and does not report which
                port a mapping is for: with several, only a mapping to the same number is identified.
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
        """Why ports are not forwarded, one sentence each; empty once every port is."""
        if self._asked and self._are_forwarded():
            return ()
        if self._silent and not (self._mapped or self._faults):
            return (_SILENCE,)
        return tuple(
            dict.fromkeys(f"{router} did not map a port: {why}" for (router, _), why in self._faults.items())
        )
