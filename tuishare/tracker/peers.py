"""The tracker's data types: announces, responses, and the peers in them.

Owns the values only. Must not store, parse or send anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tuishare.net.addresses import Address
from tuishare.torrents import InfoHash

AnnounceEvent: TypeAlias = Literal["", "started", "completed", "stopped", "paused"]
"""Why a peer announces (BEP 3, and ``paused`` of BEP 21); empty: the interval has elapsed."""


@dataclass(frozen=True, slots=True)
class SeedAddress:
    """An address of the sender's own seed, which is always listed and does not announce.

    Attributes:
        host: IPv4 or IPv6; a loopback address is sent to peers on loopback only.
        port: 1..65535.
    """

    host: Address
    port: int


@dataclass(frozen=True, slots=True)
class AnnounceRequest:
    """The parameters of one announce (BEP 3), without addresses: a peer cannot claim one.

    Attributes:
        info_hash: 20 bytes; of a v2 torrent the first 20 of its SHA-256 (BEP 52).
        peer_id: 20 bytes.
        port: where the peer listens; 0 or 1: it accepts no connections.
        left: bytes still to download.
        uploaded: bytes since it started.
        downloaded: likewise.
        corrupt: of those, bytes that failed the hash check; in no BEP, but libtorrent and others send it.
        event: why it announces.
        wanted: requested number of peers, or None.
        compact: whether to respond in the compact form (BEP 23).
        peer_ids: whether to include peer ids in the other form.
    """

    info_hash: bytes
    peer_id: bytes
    port: int
    left: int
    uploaded: int = 0
    downloaded: int = 0
    corrupt: int = 0
    event: AnnounceEvent = ""
    wanted: int | None = None
    compact: bool = True
    peer_ids: bool = True


@dataclass(frozen=True, slots=True)
class PeerAnnounced:
    """A member announced; deliveries are derived from it.

    Attributes:
        share: as given to `Tracker.admit`.
        user: whose passkey it was.
        info_hash: which of the share's swarms.
        peer_id: 20 bytes, the same as in its peer connections.
        host: address of the announce.
        port: where the peer listens by its own account; 0 or 1: nowhere.
        left: bytes still to download; 0: it is complete.
        uploaded: bytes since the peer started.
        downloaded: likewise.
        corrupt: of those, bytes that failed the hash check.
        event: why it announced.
        at: Unix seconds.
    """

    share: str
    user: str
    info_hash: InfoHash
    peer_id: bytes
    host: str
    port: int
    left: int
    uploaded: int
    downloaded: int
    event: AnnounceEvent
    at: int
    corrupt: int = 0


@dataclass(frozen=True, slots=True)
class PeerPresence:
    """A peer that is presently in a swarm.

    Attributes:
        user: whose passkey it announces with.
        peer_id: 20 bytes. Another member may announce the same one on purpose, so only peer id and host together
            identify a connection.
        hosts: its addresses.
        left: bytes still to download.
    """

    user: str
    peer_id: bytes
    hosts: tuple[str, ...]
    left: int


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """A peer in a response.

    Attributes:
        host: its address.
        port: 1..65535.
        peer_id: 20 bytes; None for the sender's seed, which does not announce.
    """

    host: Address
    port: int
    peer_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class AnnounceResponse:
    """The response to an announce.

    Attributes:
        interval: seconds until the next announce.
        least_interval: minimum seconds until the next announce.
        complete: number of seeds, the sender's included.
        incomplete: number of other peers.
        peers: to connect to.
    """

    interval: int
    least_interval: int
    complete: int
    incomplete: int
    peers: tuple[PeerAddress, ...] = field(default=())
