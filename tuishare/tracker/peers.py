"""What is said about peers: who announced what, who is present, and whom an answer names.

Owns the values only. Must not keep, parse or send anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tuishare.net.addresses import Address
from tuishare.torrents import InfoHash

AnnounceEvent: TypeAlias = Literal["", "started", "completed", "stopped", "paused"]
"""Why a peer announces (BEP 3, and ``paused`` of BEP 21); empty: because it is time again."""


@dataclass(frozen=True, slots=True)
class SeedAddress:
    """Where the sender's own seed listens; it is always listed and does not announce.

    Attributes:
        host: IPv4 or IPv6; one on loopback is told to peers on loopback only.
        port: 1..65535.
    """

    host: Address
    port: int


@dataclass(frozen=True, slots=True)
class AnnounceRequest:
    """What one request says (BEP 3); its sender's address is not in it, because nobody's word counts for that.

    Attributes:
        info_hash: 20 bytes; of a v2 torrent the first 20 of its SHA-256 (BEP 52).
        peer_id: 20 bytes.
        port: where the peer listens; 0 or 1: nowhere, it can call but not be called.
        left: bytes it has not got yet.
        uploaded: bytes since it started.
        downloaded: likewise.
        corrupt: of those, bytes that did not fit their hashes; no BEP names it, but libtorrent and others say it.
        event: why it announces.
        wanted: how many peers it would like; None if it did not say.
        compact: whether the answer is to be in the compact form (BEP 23).
        peer_ids: whether the other form is to hold peer ids.
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
    """A member announced: what the delivery board learns from the tracker.

    Attributes:
        share: as given to `Tracker.admit`.
        user: whose passkey it was.
        info_hash: which of the share's swarms.
        peer_id: 20 bytes, equal to the one that its peer connections show.
        host: the address that the announce came from.
        port: where the peer says it listens; 0 or 1: nowhere.
        left: bytes it has not got yet; 0: it has everything.
        uploaded: bytes since the peer started.
        downloaded: likewise.
        corrupt: of those, bytes that did not fit their hashes.
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
    """One peer that is in a swarm now.

    Attributes:
        user: whose passkey it announces with.
        peer_id: 20 bytes. Another member may announce the same on purpose, so a live connection is named by peer id
            and host together.
        hosts: its addresses.
        left: bytes it has not got yet.
    """

    user: str
    peer_id: bytes
    hosts: tuple[str, ...]
    left: int


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """A peer in an answer.

    Attributes:
        host: its own address.
        port: 1..65535.
        peer_id: 20 bytes; None for the sender's seed, which never told one.
    """

    host: Address
    port: int
    peer_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class AnnounceResponse:
    """What a peer is told.

    Attributes:
        interval: seconds until it shall announce again.
        least_interval: seconds before which it must not.
        complete: peers that have everything, the sender's seed included.
        incomplete: the others.
        peers: whom it may call.
    """

    interval: int
    least_interval: int
    complete: int
    incomplete: int
    peers: tuple[PeerAddress, ...] = field(default=())
