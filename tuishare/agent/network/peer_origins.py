"""Which way the bytes of a connection go: directly, or by a hub; and who is behind an address of this machine.

Owns that judgement. The hub of another user is recognised by the host that their address record names. Must not read
address records.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Final

from tuishare.agent.live import Live
from tuishare.net.addresses import read_address
from tuishare.net.caller_addresses import CallerAddresses
from tuishare.swarm import Peer

_FRESH_SECONDS: Final = 60.0
_RESOLVE_SECONDS: Final = 2.0


class PeerOrigins:
    """Tells the connections of one agent apart."""

    def __init__(self, callers: CallerAddresses, hub_hosts: Live[frozenset[str]]) -> None:
        """`hub_hosts` are names and addresses of the hubs of others."""
        self._callers = callers
        self._hub_hosts = hub_hosts
        self._resolved: dict[str, tuple[float, frozenset[str]]] = {}

    async def tell(self, peers: Iterable[Peer]) -> list[tuple[Peer, bool]]:
        """Return each peer with the address that it really has, and whether its bytes go by a hub."""
        hubs = await self._hub_addresses()
        return [self._tell(peer, hubs) for peer in peers]

    def _tell(self, peer: Peer, hubs: frozenset[str]) -> tuple[Peer, bool]:
        if not peer.incoming:
            return peer, peer.host in hubs
        address = ip_address(peer.host)
        return replace(peer, host=str(self._callers.origin_of(address))), self._callers.is_by_hub(address)

    async def _hub_addresses(self) -> frozenset[str]:
        hosts = self._hub_hosts.current
        found = await asyncio.gather(*map(self._resolve, hosts))
        self._resolved = {host: known for host, known in self._resolved.items() if host in hosts}
        return frozenset().union(*found)

    async def _resolve(self, host: str) -> frozenset[str]:
        if address := read_address(host):
            return frozenset({str(address)})
        at, known = self._resolved.get(host, (-_FRESH_SECONDS, frozenset()))
        if time.monotonic() - at < _FRESH_SECONDS:
            return known
        with contextlib.suppress(OSError, TimeoutError, UnicodeError):
            async with asyncio.timeout(_RESOLVE_SECONDS):
                answers = await asyncio.get_running_loop().getaddrinfo(host, None)
            known = frozenset(str(answer[4][0]) for answer in answers)
        self._resolved[host] = time.monotonic(), known
        return known
