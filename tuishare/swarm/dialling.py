"""Calling the contacts of torrents.

Owns when contacts are looked up and called. libtorrent calls the addresses it was given with a torrent; the rest is
here: names, and calling again while nobody answers (without a tracker the contacts are the only way back).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from tuishare.swarm.endpoint import Endpoint
from tuishare.swarm.membership import Roster
from tuishare.swarm.resolution import resolve
from tuishare.torrents import InfoHash

REDIAL = 15.0
"""Seconds between two rounds of calling the contacts of torrents that have no peer."""


async def dial(roster: Roster, info_hash: InfoHash, contacts: Iterable[Endpoint]) -> None:
    """Look up contacts and call them, unless the torrent is gone by then."""
    for address in await resolve(contacts):
        member = roster.find(info_hash)
        if member is not None and member.handle is not None:
            member.handle.connect_peer((address.host, address.port))


async def redial(roster: Roster) -> None:
    """Call the contacts of lonely torrents again and again; runs until cancelled."""
    while True:
        await asyncio.sleep(REDIAL)
        calls = (dial(roster, key, member.assignment.contacts) for key, member in roster.lonely())
        await asyncio.gather(*calls)
