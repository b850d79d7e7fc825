"""Calling the contacts of torrents.

Owns when contacts are looked up, judged and called, and that what is not called is told once. libtorrent calls the
addresses it was given with a torrent; the rest is here: names, calling again while nobody answers (without a tracker
the contacts are the only way back), and those on this machine, which are called as soon as a program of ours is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from tuishare.net.endpoints import Endpoint
from tuishare.net.local_machine import LocalMachine
from tuishare.swarm.dns import Judged, judge_addresses, resolve, resolve_received, split_contacts
from tuishare.swarm.events import ContactRefused
from tuishare.swarm.torrent_table import TorrentEntry, TorrentTable
from tuishare.torrents import InfoHash

REDIAL: Final = 15.0
"""Seconds between two rounds of calling the contacts of torrents that have no peer."""
LOOK: Final = 1.0
"""Seconds between two looks whether a sender on this machine has come; libtorrent calls again as often."""

_log = logging.getLogger(__name__)


class PeerConnector:
    """Calls the contacts of the torrents of one engine.

    Args:
        tell: publishes an event.
        names: whether names are looked up; not behind a proxy, which it would go around.
    """

    def __init__(self, table: TorrentTable, tell: Callable[[ContactRefused], None], *, names: bool) -> None:
        self._table = table
        self._tell = tell
        self._names = names

    async def begin(self, info_hash: InfoHash) -> None:
        """Call those contacts that libtorrent was not given with a torrent, and tell what is not called."""
        if member := self._table.find(info_hash):
            await self._call(
                info_hash, split_contacts(member.assignment.contacts)[1], member.assignment.received
            )

    async def connect_peers(self, info_hash: InfoHash) -> None:
        """Call all contacts of a torrent."""
        if member := self._table.find(info_hash):
            await self._call(info_hash, member.assignment.contacts, member.assignment.received)

    async def call(self, info_hash: InfoHash, contacts: tuple[Endpoint, ...]) -> None:
        """Call other peers, wherever they are."""
        await self._call(info_hash, contacts, ())

    async def run(self) -> None:
        """Call the contacts of lonely torrents again and again, until cancelled."""
        while True:
            await asyncio.sleep(REDIAL)
            await asyncio.gather(*(self.connect_peers(info_hash) for info_hash, _ in self._table.lonely()))

    async def look_here(self) -> None:
        """Call contacts on this machine once a program of ours has begun to listen there, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            machine = LocalMachine()
            with contextlib.suppress(OSError):  # looked at again soon
                for info_hash, member in self._table.lonely():
                    if member.absent:
                        self._take(info_hash, member, judge_addresses(member.absent, machine))

    async def _call(
        self, info_hash: InfoHash, contacts: tuple[Endpoint, ...], received: tuple[Endpoint, ...]
    ) -> None:
        if not self._names:
            contacts, received = split_contacts(contacts)[0], split_contacts(received)[0]
        try:
            own, others = await asyncio.gather(resolve(contacts), resolve_received(received, LocalMachine()))
        except OSError as error:
            _log.warning("Contacts are not called before the system tells our addresses: %s", error.strerror)
            return
        if member := self._table.find(info_hash):
            _connect(member, own)
            self._take(info_hash, member, others)

    def _take(self, info_hash: InfoHash, member: TorrentEntry, judged: Judged) -> None:
        """Call what is good; remember and tell the rest."""
        _connect(member, judged.good)
        member.absent -= set(judged.good)
        for contact, fault in judged.faults:
            if not fault.lasting:
                member.absent.add(contact)
            elif contact not in member.refused:
                member.refused.add(contact)
                self._tell(ContactRefused(info_hash, str(contact), fault.clause))


def _connect(member: TorrentEntry, addresses: tuple[Endpoint, ...]) -> None:
    if member.handle is not None:
        for address in addresses:
            member.handle.connect_peer((address.host, address.port))
