"""Where our swarms are reached now, and whether whoever was told other addresses still finds us.

Owns the last answer: the system is asked now and then, not for each of a thousand shares.
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
"""How long addresses have to stay before others count as lost: a router answers late, and a laptop wakes in pieces."""


class AddressWatch:
    """Our addresses.

    Args:
        network: gives the settings in force.
        engine: tells ports, and what routers and peers say.
        now: gives Unix seconds.

    Attributes:
        since: when they became what they are, Unix seconds; 0 before the first look.
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
        """List ``host:port`` where we seed swarms of that kind, as of the last look."""
        if transport not in self._contacts:
            self.look()
        return self._contacts.get(transport, ())

    def look(self) -> bool:
        """Look at them; say whether any is another."""
        network = self._network()
        try:
            contacts = {kind: swarm_contacts(network, self._engine, kind) for kind in self._engine.listening}
        except OSError as error:
            _log.warning("The system does not tell our addresses now: %s", error.strerror)
            return False
        if contacts == self._contacts:
            return False
        self._contacts = contacts
        self.since = self._now()
        self._settled = time.monotonic() + SETTLED_SECONDS
        return True

    def have_left(self, named: tuple[str, ...], transport: Transport) -> bool:
        """Say whether none of the addresses that somebody was told is ours any more.

        Those that are reached from everywhere decide, where there were any: who was told both is likely to be far
        away, and the same private address is found in many a house. Without a network we have not left any.
        """
        ours, widest = self.of(transport), _widest(named)
        found = not widest or not _widest(ours) or not widest.isdisjoint(ours)
        return not found and time.monotonic() >= self._settled


@lru_cache(maxsize=64)  # all shares that were made at one place name the same
def _widest(contacts: tuple[str, ...]) -> frozenset[str]:
    """Those of the farthest reach, if that is beyond this machine."""
    reach = {contact: _reach(contact) for contact in contacts}
    most = max(reach.values(), default=0)
    return frozenset(contact for contact, far in reach.items() if far == most and far)


def _reach(contact: str) -> int:
    """How far away somebody can be to reach it: 0 on this machine, 1 in this network, 2 anywhere."""
    host = parse_endpoint(contact).host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 2  # a name: whoever has one sees to it that it follows him
    return 0 if address.is_loopback else 2 if address.is_global else 1
