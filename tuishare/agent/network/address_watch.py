"""The addresses at which the agent's swarms are reached, and whether published addresses still work.

Owns the current addresses, which are read from the system periodically and not for each of a thousand shares.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from tuishare.agent.network.reachability import EngineStatus, swarm_contacts
from tuishare.config.model import NetworkSettings, Transport
from tuishare.swarm import parse_endpoint

_log = logging.getLogger(__name__)

SETTLED_SECONDS: Final = 60.0
"""How long addresses have to stay before earlier ones count as lost: routers answer late, laptops wake up slowly."""


class AddressWatch:
    """The agent's own addresses.

    Args:
        network: returns the settings in force.
        engine: has the ports, and what routers and peers report.
        now: returns Unix seconds.

    Attributes:
        since: Unix seconds since when they are as they are; 0 before the first check.
    """

    def __init__(
        self, network: Callable[[], NetworkSettings], engine: EngineStatus, now: Callable[[], int]
    ) -> None:
        self.since = 0
        self._network = network
        self._engine = engine
        self._now = now
        self._contacts: dict[Transport, tuple[str, ...]] = {}
        self._settled = 0.0

    def of(self, transport: Transport) -> tuple[str, ...]:
        """Return ``host:port`` of each address at which swarms of this transport are seeded, as of the last check."""
        if transport not in self._contacts:
            self.look()
        return self._contacts.get(transport, ())

    def look(self) -> bool:
        """Read the addresses; return whether any has changed."""
        network = self._network()
        try:
            contacts = {kind: swarm_contacts(network, self._engine, kind) for kind in self._engine.listening}
        except OSError as error:
            _log.warning("Cannot read the addresses of this machine: %s", error.strerror)
            return False
        if contacts == self._contacts:
            return False
        self._contacts = contacts
        self.since = self._now()
        self._settled = time.monotonic() + SETTLED_SECONDS
        return True

    def have_left(self, named: tuple[str, ...], transport: Transport) -> bool:
        """Return whether none of these published addresses belongs to the agent any longer.

        Addresses that are reachable from everywhere decide, where there are any: a recipient who knows both kinds is
        likely to be far away, and many networks use the same private addresses. Without a network, none has been left.
        """
        ours, widest = self.of(transport), _widest(named)
        found = not widest or not _widest(ours) or not widest.isdisjoint(ours)
        return not found and time.monotonic() >= self._settled


@lru_cache(maxsize=64)  # all shares of one place have the same addresses
def _widest(contacts: tuple[str, ...]) -> frozenset[str]:
    """Return the addresses with the widest reach, if that is beyond this machine."""
    reach = {contact: _reach(contact) for contact in contacts}
    most = max(reach.values(), default=0)
    return frozenset(contact for contact, far in reach.items() if far == most and far)


def _reach(contact: str) -> int:
    """Return from where an address can be reached: 0 this machine, 1 this network, 2 anywhere."""
    host = parse_endpoint(contact).host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 2  # a name, whose owner keeps it up to date
    return 0 if address.is_loopback else 2 if address.is_global else 1
