"""How others may reach this machine: its address as others see it, and ports that a router forwards.

Owns what peers, trackers and the router said about that. Hearsay: a peer may lie about our address, so nothing that
must be true depends on it. Must not talk to anybody itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from tuishare.swarm.notices import AddressTold, PortMapped, PortMappingFailed, Router
from tuishare.text import visible

MAX_ADDRESSES = 8
"""More addresses than this are not kept; a machine has one per family and network."""


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

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return our addresses as others see them, the one told most often first."""
        return tuple(address for address, _ in self._addresses.most_common())

    def mapped(self, listening: Collection[int]) -> tuple[MappedPort, ...]:
        """Return every forwarded port.

        Args:
            listening: the ports of our swarms. libtorrent asks for the same port outside, and does not say for which
                one it asked.
        """
        return tuple(
            replace(
                found,
                port=self._own.get(number, found.external_port if found.external_port in listening else 0),
            )
            for (_, number, _), found in self._mapped.items()
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """Return why ports are not forwarded, one sentence each."""
        return tuple(
            dict.fromkeys(f"{router} did not map a port: {why}" for (router, _), why in self._faults.items())
        )
