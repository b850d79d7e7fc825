"""The live connections of one torrent.

Owns asking libtorrent for them. Its non-blocking way is unusable (the binding of 2.1.1 cannot convert what
`peer_info_alert` holds), so this blocks and belongs off the event loop.
"""

from __future__ import annotations

from tuishare.errors import NotFound
from tuishare.sanitize import for_display
from tuishare.swarm.events import Peer
from tuishare.swarm.libtorrent_loader import lt

_OBFUSCATED = lt.peer_info.rc4_encrypted | lt.peer_info.plaintext_encrypted
# peer_info::ssl_socket, which the binding leaves out: what libtorrent itself says about that connection.
_TLS = 1 << 18
_SATED = lt.peer_info.seed | lt.peer_info.upload_only
_UNFINISHED = lt.peer_info.connecting | lt.peer_info.handshake


def list_peers(handle: lt.torrent_handle) -> tuple[Peer, ...]:
    """Return every peer that has shaken hands; blocking.

    Raises:
        NotFound: the torrent was removed meanwhile.
    """
    try:
        peers = handle.get_peer_info()
    except RuntimeError:
        raise NotFound("This torrent is no longer being shared or downloaded") from None
    return tuple(_read_peer(peer) for peer in peers if not peer.flags & _UNFINISHED)


def find_downloading_peers(handle: lt.torrent_handle) -> frozenset[bytes]:
    """Return the peer ids of everybody who is connected and still downloads; blocking.

    Nobody when the torrent is gone.
    """
    try:
        peers = handle.get_peer_info()
    except RuntimeError:
        return frozenset()
    return frozenset(peer.pid.to_bytes() for peer in peers if not peer.flags & (_UNFINISHED | _SATED))


def find_idle(handle: lt.torrent_handle, seconds: float) -> list[tuple[str, int]]:
    """Return host and port of everybody who has all of a torrent and was silent for so long; blocking.

    Nobody when the torrent is gone.
    """
    try:
        peers = handle.get_peer_info()
    except RuntimeError:
        return []
    return [
        peer.ip
        for peer in peers
        if peer.flags & _SATED and not peer.flags & _UNFINISHED and peer.last_active >= seconds
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
