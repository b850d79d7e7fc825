"""Connections between two who both have everything, which would stay for as long as both run.

One per share and recipient would use up descriptors and connections in the end: at 1,000 connections nothing more is
delivered. libtorrent ends such connections only at once, see `tuishare.swarm.settings`, or when its limit is reached
(`inactivity_timeout`), and then turns away who calls meanwhile.

Owns when they end. Nobody calls again because of that: libtorrent knows a peer that has everything, and does not call
it while there is nothing to fetch.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tuishare.swarm.connections import find_idle
from tuishare.swarm.handshakes import Handshakes
from tuishare.swarm.torrent_table import TorrentTable

PERIOD: Final = 2.0
"""Seconds between two looks while connections are many; ten times that otherwise."""
PATIENCE: Final = 30.0
"""Seconds of silence after which one ends: it spares the next generation nothing, because that is another torrent."""
HASTE: Final = 2.0
"""Likewise while a quarter of all possible connections is in use."""


async def end_idle(table: TorrentTable, handshakes: Handshakes, limit: int) -> None:
    """End what nobody needs, until cancelled.

    Args:
        table: the torrents.
        handshakes: hangs up.
        limit: connections that there may be.
    """
    beat = 0
    while True:
        await asyncio.sleep(PERIOD)
        beat += 1
        hurried = table.connections() > limit // 4
        if hurried or beat % 10 == 0:
            await _end(table, handshakes, HASTE if hurried else PATIENCE)


async def _end(table: TorrentTable, handshakes: Handshakes, patience: float) -> None:
    handles = table.sated()
    if not handles:
        return
    idle = await asyncio.to_thread(
        lambda: [peer for handle in handles for peer in find_idle(handle, patience)]
    )
    if idle:
        await handshakes.end_peers(idle)
