"""Closing of idle connections between two seeds, which would otherwise stay open as long as both run.

One per share and recipient would use up the connections: at 1,000 of them nothing more is delivered. libtorrent closes
such connections either at once, see `tuishare.swarm.settings`, or when its limit is reached (`inactivity_timeout`), and
then refuses new ones.

Owns when they are closed. The peers do not reconnect: libtorrent knows which peers are seeds, and does not connect to
them while there is nothing to download.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tuishare.swarm.connections import find_idle
from tuishare.swarm.handshakes import Handshakes
from tuishare.swarm.torrent_table import TorrentTable

PERIOD: Final = 2.0
"""Seconds between two scans while there are many connections; ten times that otherwise."""
PATIENCE: Final = 30.0
"""Idle seconds after which a connection is closed. A new generation does not need it, because it is another torrent."""
HASTE: Final = 2.0
"""Likewise while a quarter of all possible connections is in use."""


async def end_idle(table: TorrentTable, handshakes: Handshakes, limit: int) -> None:
    """Close idle connections, until cancelled.

    Args:
        table: the torrents.
        handshakes: closes connections.
        limit: maximum number of connections.
    """
    beat = 0
    while True:
        await asyncio.sleep(PERIOD)
        beat += 1
        hurried = table.connections() > limit // 4
        if hurried or beat % 10 == 0:
            await _end(table, handshakes, HASTE if hurried else PATIENCE)


async def _end(table: TorrentTable, handshakes: Handshakes, patience: float) -> None:
    handles = table.seeded_by_peers()
    if not handles:
        return
    idle = await asyncio.to_thread(
        lambda: [peer for handle in handles for peer in find_idle(handle, patience)]
    )
    if idle:
        await handshakes.end_peers(idle)
