"""How members of a swarm find each other: our tracker for shares, and access to the trackers of other senders.

Owns the trackers named in a manifest, who may announce to ours, and where the engine announces. The engine announces
on loopback, see `tuishare.core.tracker_proxy`. Must not know the progress of recipients: that is
`tuishare.agent.shares.deliveries`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, Self

from tuishare.agent.events import EventBus
from tuishare.agent.network.reachability import EngineStatus, tracker_contacts
from tuishare.config.model import Config, Transport
from tuishare.core.records import DownloadRecord, ShareRecord, TrackerAddress
from tuishare.core.tracker_proxy import TrackerProxies
from tuishare.envelope import Announce
from tuishare.errors import SystemFailed, TuishareError
from tuishare.home_paths import Places
from tuishare.net.addresses import TrackerRules
from tuishare.net.caller_addresses import OriginOf, itself
from tuishare.net.descriptors import descriptor_limit, plan_descriptors
from tuishare.net.endpoints import parse_listen_address
from tuishare.swarm import TrackerFailed, parse_endpoint
from tuishare.torrents import InfoHash
from tuishare.tracker import (
    PeerAnnounced,
    PeerPresence,
    SeedAddress,
    Tracker,
    TrackerLimits,
    TrackerServer,
    load_certificate,
)

_MOST_TRACKERS: Final = 16
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts to open a port; doubled each time."""


class TrackerService:
    """Tracker and relay of one agent; `running` opens their ports, without which no request is answered."""

    def __init__(self, events: EventBus | None = None) -> None:
        """Start without ports; `PeerAnnounced` is published to `events` for each announce of a recipient."""
        self._events = events or EventBus()
        self._tracker = Tracker(self._hear, _limits(plan_descriptors(descriptor_limit()).tracker_clients))
        self._ports: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        self._port_fault: TuishareError | None = None
        self._pin = b""
        self._routes: TrackerProxies | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls,
        config: Config,
        places: Places,
        events: EventBus | None = None,
        origin_of: OriginOf = itself,
    ) -> AsyncIterator[Self]:
        """Open the ports of the settings until the block ends; `origin_of` tells who is behind an address.

        Raises:
            BadInput: a listen address is malformed.
            BadConfiguration: the tracker's certificate is not usable.
            SystemFailed: the relay cannot be started.
        """
        service = cls(events)
        async with contextlib.AsyncExitStack() as stack:
            service._routes = await stack.enter_async_context(
                TrackerProxies.open(config.network.outgoing_proxy)
            )
            # Behind a proxy, no recipient can reach our tracker.
            if config.tracker.listen and config.network.outgoing_proxy is None:
                certificate = await asyncio.to_thread(load_certificate, places.tracker_file)
                server = TrackerServer(
                    service._tracker,
                    certificate,
                    https=_place(config.tracker.listen),
                    http=_place(config.tracker.listen_plain) if config.network.listen_plain else None,
                    trusted_proxies=[ipaddress.ip_network(name) for name in config.tracker.trusted_proxies],
                    origin_of=origin_of,
                )
                service._pin = certificate.pin
                service._wanted = _fixed_ports(config)
                stack.push_async_callback(server.close)
                await service._open(server)
                if service._port_fault is not None:
                    opening = asyncio.create_task(service._open_later(server))
                    stack.push_async_callback(_cancel, opening)
            yield service

    async def _open(self, server: TrackerServer) -> None:
        try:
            await server.start()
        except SystemFailed as error:
            self._port_fault = error
            return
        self._port_fault = None
        self._ports.update({str(scheme): port for scheme, port in server.ports.items()})

    async def _open_later(self, server: TrackerServer) -> None:
        pause = _FIRST_PAUSE
        while self._port_fault is not None:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            await self._open(server)

    @property
    def port_fault(self) -> TuishareError | None:
        """Why a port is not open; None if all are. It is tried again, with growing pauses."""
        return self._port_fault

    @property
    def port(self) -> int | None:
        """The port of the tracker for TLS swarms, or None."""
        return self._ports.get("https")

    @property
    def plain_port(self) -> int | None:
        """The port of the tracker for plain swarms, or None."""
        return self._ports.get("http")

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports that recipients announce to, also those that cannot be opened yet."""
        return tuple((self._wanted | self._ports).values())

    def addresses(
        self, config: Config, engine: EngineStatus, transport: Transport, by_hub: str = ""
    ) -> tuple[Announce, ...]:
        """Return the trackers for a manifest, best first; `by_hub`: where a hub forwards to ours, or empty."""
        scheme = "https" if transport == "tls" else "http"
        others = [Announce(url=url, pin=None) for url in config.tracker.others]
        if (port := (self._wanted | self._ports).get(scheme)) is None:
            return tuple(others)
        pin = self._pin if scheme == "https" else None
        contacts = tracker_contacts(config.network, engine, port, by_hub if scheme == "https" else "")
        # The last addresses are the hub and loopback, for recipients on the same machine; they always stay.
        last = contacts[-2:] if by_hub else contacts[-1:]
        kept = (*contacts[: _MOST_TRACKERS - len(others) - len(last)], *last)
        own = (f"{scheme}://{contact}/announce/{{passkey}}" for contact in dict.fromkeys(kept))
        return (*(Announce(url=url, pin=pin) for url in own), *others)

    def admit(self, share: ShareRecord, passkeys: Mapping[bytes, str], seed: tuple[str, ...]) -> None:
        """Answer announces for a share from now on.

        Args:
            share: the share.
            passkeys: by SHA-256 of each valid passkey, the name of its user.
            seed: ``host:port`` of each address at which it is seeded; names are skipped, the envelope has them.
        """
        self._tracker.admit(share.id, passkeys, (InfoHash(share.info_hash),), _literal_addresses(seed))

    def withdraw(self, share: str) -> None:
        """Stop answering announces for a share."""
        self._tracker.withdraw(share)

    def revoke(self, share: str, user: str) -> None:
        """Refuse announces of a user for a share, and no longer return the user as a peer."""
        self._tracker.revoke(share, user)

    def swarm_of(self, share: str) -> tuple[PeerPresence, ...]:
        """Return the peers in the swarm of a share, without our own seed."""
        return self._tracker.swarm_of(share)

    async def tiers(
        self, trackers: Iterable[TrackerAddress], rules: TrackerRules | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return where the engine is to announce (BEP 12), within `rules`; None: the user chose the trackers."""
        return await self._routes.tiers(trackers, rules) if self._routes else ()

    def hold_back(self, download: DownloadRecord) -> None:
        """Do not report a download as complete to its trackers before `confirm`."""
        if self._routes:
            self._routes.hold_back(download.trackers, InfoHash(download.info_hash))

    def confirm(self, download: DownloadRecord) -> None:
        """Report a download as complete to its trackers: all of it is on disk."""
        if self._routes:
            self._routes.confirm(download.trackers, InfoHash(download.info_hash))

    def forget(self, trackers: Iterable[TrackerAddress]) -> None:
        """Stop relaying announces to these trackers."""
        if self._routes:
            self._routes.forget(trackers)

    def name_of(self, failed: TrackerFailed) -> str:
        """Return the tracker of a failed announce as it may be shown."""
        return self._routes.name_of(failed) if self._routes else failed.url

    def _hear(self, announced: PeerAnnounced) -> None:
        self._events.publish(announced)


def _limits(tracker_clients: int) -> TrackerLimits:
    """Return the default limits with at most that many connections, a quarter of them from one address."""
    usual = TrackerLimits()
    return replace(
        usual,
        connections=min(usual.connections, tracker_clients),
        connections_per_address=min(usual.connections_per_address, max(4, tracker_clients // 4)),
    )


def _fixed_ports(config: Config) -> dict[str, int]:
    """Return the port of each scheme for which the settings name one."""
    plain = config.tracker.listen_plain if config.network.listen_plain else ""
    named = {"https": config.tracker.listen, "http": plain}
    ports = {scheme: parse_listen_address(address).port for scheme, address in named.items() if address}
    return {scheme: port for scheme, port in ports.items() if port}


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _place(address: str) -> tuple[str, int]:
    """Parse a listen address; without a host it stands for every address of both families."""
    endpoint = parse_listen_address(address)
    return endpoint.host, endpoint.port


@lru_cache(maxsize=4)  # a thousand shares, and two lists at most
def _literal_addresses(contacts: tuple[str, ...]) -> tuple[SeedAddress, ...]:
    found: list[SeedAddress] = []
    for contact in contacts:
        endpoint = parse_endpoint(contact)
        with contextlib.suppress(ValueError):
            found.append(SeedAddress(ipaddress.ip_address(endpoint.host), endpoint.port))
    return tuple(found)
