"""The live connections of torrents, and closing idle ones between two seeds.

libtorrent's non-blocking query is unusable (the binding of 2.1.1 cannot convert `peer_info_alert`), so queries block
and must not run on the event loop. Idle connections between seeds would otherwise stay open as long as both run: one
per share and recipient would use up the connections, and at 1,000 of them nothing more is delivered. libtorrent closes
such connections either at once, see `tuishare.swarm.settings`, or when its limit is reached (`inactivity_timeout`), and
then refuses new ones.

Owns querying connections, and when idle ones are closed. The peers do not reconnect: libtorrent knows which peers are
seeds, and does not connect to them while there is nothing to download.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tuishare.errors import NotFound
from tuishare.sanitize import for_display
from tuishare.swarm.events import Peer
from tuishare.swarm.handshakes import Handshakes
from tuishare.swarm.libtorrent_loader import lt
from tuishare.swarm.torrent_table import TorrentTable

_OBFUSCATED = lt.peer_info.rc4_encrypted | lt.peer_info.plaintext_encrypted
# peer_info::ssl_socket, missing in the binding.
_TLS = 1 << 18
_SEEDING = lt.peer_info.seed | lt.peer_info.upload_only
_UNFINISHED = lt.peer_info.connecting | lt.peer_info.handshake


def list_peers(handle: lt.torrent_handle) -> tuple[Peer, ...]:
    """Return all peers that have completed their handshake; blocking.

    Raises:
        NotFound: the torrent was removed in the meantime.
    """
    try:
        peers = handle.get_peer_info()
    except RuntimeError:
        raise NotFound("This torrent is no longer being shared or downloaded") from None
    return tuple(_read_peer(peer) for peer in peers if not peer.flags & _UNFINISHED)


def find_downloading_peers(handle: lt.torrent_handle) -> frozenset[bytes]:
    """Return the peer ids of all connected peers that are downloading; blocking.

    Empty if the torrent was removed.
    """
    try:
        peers = handle.get_peer_info()
    except RuntimeError:
        return frozenset()
    return frozenset(peer.pid.to_bytes() for peer in peers if not peer.flags & (_UNFINISHED | _SEEDING))


def find_idle(handle: lt.torrent_handle, seconds: float) -> list[tuple[str, int]]:
    """Return host and port of all seeds that were idle for at least `seconds`; blocking.

    Empty if the torrent was removed.
    """
    try:
        peers = handle.get_peer_info()
    except RuntimeError:
        return []
    return [
        peer.ip
        for peer in peers
        if peer.flags & _SEEDING and not peer.flags & _UNFINISHED and peer.last_active >= seconds
    ]


def _read_peer(peer: lt.peer_info) -> Peer:
    host, port = peer.ip
    obfuscated = peer.flags & _OBFUSCATED
    return Peer(
        host=host,
        port=port,
        client=for_display(peer.client.decode(errors="replace")),
        peer_id=peer.pid.to_bytes(),
        fraction=peer.progress_ppm / 1_000_000,
        rate_up=peer.payload_up_speed,
        rate_down=peer.payload_down_speed,
        uploaded=peer.total_upload,
        downloaded=peer.total_download,
        encryption="tls" if peer.flags & _TLS else "mse" if obfuscated else "none",
        incoming=not peer.flags & lt.peer_info.local_connection,
    )


IDLE_PERIOD: Final = 2.0
"""Seconds between two scans while there are many connections; ten times that otherwise."""
IDLE_SECONDS: Final = 30.0
"""Idle seconds after which a connection is closed. A new generation does not need it, because it is another torrent."""
CROWDED_IDLE_SECONDS: Final = 2.0
"""Likewise while a quarter of all possible connections is in use."""


async def end_idle(table: TorrentTable, handshakes: Handshakes, limit: int) -> None:
    """Close idle connections, until cancelled.

    Args:
        table: the torrents.
        handshakes: closes connections.
        limit: maximum number of connections.
    """
    ticks = 0
    while True:
        await asyncio.sleep(IDLE_PERIOD)
        ticks += 1
        crowded = table.connections() > limit // 4
        if crowded or ticks % 10 == 0:
            await _end(table, handshakes, CROWDED_IDLE_SECONDS if crowded else IDLE_SECONDS)


async def _end(table: TorrentTable, handshakes: Handshakes, seconds: float) -> None:
    handles = table.seeded_by_peers()
    if not handles:
        return
    idle = await asyncio.to_thread(
        lambda: [peer for handle in handles for peer in find_idle(handle, seconds)]
    )
    if idle:
        await handshakes.end_peers(idle)
