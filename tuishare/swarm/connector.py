"""Connecting to the contacts of torrents.

Owns when contacts are resolved, checked and connected to, and reporting each refused contact once. libtorrent connects
to the addresses passed with a torrent. The rest is done here: names, retries while there are no peers (without a
tracker, contacts are the only way to find any), and contacts on this machine, once an agent listens there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import LocalMachine
from tuishare.swarm.dns import Judged, judge_addresses, resolve, resolve_received, split_contacts
from tuishare.swarm.events import ContactRefused
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable
from tuishare.torrents import InfoHash

REDIAL: Final = 15.0
"""Seconds between two attempts to connect torrents without peers to their contacts."""
LOOK: Final = 1.0
"""Seconds between two checks for senders on this machine; libtorrent retries as often."""

DIRECT_SECONDS: Final = 3.0
"""Seconds for which only direct connections are tried; libtorrent would keep whichever is there first."""

_log = logging.getLogger(__name__)


class PeerConnector:
    """Connects the torrents of one engine to their contacts.

    Args:
        publish: publishes an event.
        names: whether to resolve names; not behind a proxy, which that would bypass.
    """

    def __init__(
        self, table: TorrentTable, publish: Callable[[ContactRefused], None], *, names: bool
    ) -> None:
        self._table = table
        self._publish = publish
        self._names = names

    async def start(self, info_hash: InfoHash) -> None:
        """Connect to the contacts that were not passed to libtorrent with a torrent, and report refused ones."""
        if member := self._table.find(info_hash):
            await self._call(info_hash, split_contacts(member.spec.contacts)[1], member.spec.received)

    async def connect_peers(self, info_hash: InfoHash) -> None:
        """Connect to all contacts of a torrent."""
        if member := self._table.find(info_hash):
            await self._call(info_hash, member.spec.contacts, member.spec.received)

    async def run(self) -> None:
        """Retry the contacts of torrents without peers, until cancelled."""
        while True:
            await asyncio.sleep(REDIAL)
            await asyncio.gather(
                *(self.connect_peers(info_hash) for info_hash, _ in self._table.lacking_peers())
            )

    async def watch_local_contacts(self) -> None:
        """Connect to contacts on this machine once an agent listens there, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            machine = LocalMachine()
            await self._fall_back()
            with contextlib.suppress(OSError):  # retried soon
                for info_hash, member in self._table.lacking_peers():
                    if member.absent:
                        self._connect_judged(info_hash, member, judge_addresses(member.absent, machine))

    async def _fall_back(self) -> None:
        """Connect torrents that got no peer directly by their hub."""
        now = time.monotonic()
        for info_hash, member in self._table.lacking_peers():
            is_due = now - member.entered >= DIRECT_SECONDS and now - member.fell_back >= REDIAL
            if member.spec.fallback and is_due:
                member.fell_back = now
                await self._call(info_hash, (), member.spec.fallback)

    async def _call(
        self, info_hash: InfoHash, contacts: tuple[Endpoint, ...], received: tuple[Endpoint, ...]
    ) -> None:
        if not self._names:
            contacts, received = split_contacts(contacts)[0], split_contacts(received)[0]
        try:
            own, others = await asyncio.gather(resolve(contacts), resolve_received(received, LocalMachine()))
        except OSError as error:
            _log.warning(
                "Cannot connect to contacts before the addresses of this machine are known: %s",
                error.strerror,
            )
            return
        if member := self._table.find(info_hash):
            _connect(member, own)
            self._connect_judged(info_hash, member, others)

    def _connect_judged(self, info_hash: InfoHash, member: TorrentEntry, judged: Judged) -> None:
        """Connect to the allowed addresses; remember and report the others."""
        _connect(member, judged.good)
        member.absent -= set(judged.good)
        for contact, fault in judged.faults:
            if not fault.lasting:
                member.absent.add(contact)
            elif contact not in member.refused:
                member.refused.add(contact)
                self._publish(ContactRefused(info_hash, str(contact), fault.clause))


def _connect(member: TorrentEntry, addresses: tuple[Endpoint, ...]) -> None:
    if member.handle is not None:
        for address in addresses:
            member.handle.connect_peer((address.host, address.port))
