"""The engine's events and the progress of torrents.

Owns the values only. Nothing here refers to libtorrent's objects, which are freed with the next batch of alerts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tuishare.torrents import InfoHash

State: TypeAlias = Literal["checking", "downloading", "seeding", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of one torrent; counts are payload bytes, rates payload bytes per second.

    Attributes:
        info_hash: of the torrent.
        state: `failed` stays until the torrent is resumed.
        done: verified bytes.
        total: wanted bytes.
        fraction: 0..1, of the check while `checking`, else of the payload.
        rate_up: upload rate.
        rate_down: download rate.
        uploaded: in total, including earlier runs (from the resume data).
        downloaded: likewise.
        peers: connected peers, seeds included.
        seeds: connected seeds.
        failed_pieces: pieces that failed the hash check since `done` last reached a new maximum.
    """

    info_hash: InfoHash
    state: State
    done: int
    total: int
    fraction: float
    rate_up: int
    rate_down: int
    uploaded: int
    downloaded: int
    peers: int
    seeds: int
    failed_pieces: int = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """One live connection.

    Attributes:
        host: its address.
        port: its port; for an incoming connection not the one it listens on.
        client: program and version by its own account, sanitized.
        peer_id: 20 bytes, the same as in its announces.
        fraction: 0..1, of the payload that it has.
        rate_up: payload bytes per second to it.
        rate_down: payload bytes per second from it.
        uploaded: bytes to it over this connection.
        downloaded: bytes from it over this connection.
        encryption: `tls`, message stream encryption (`mse`, an obfuscation) or `none`.
        incoming: whether it connected to us.
    """

    host: str
    port: int
    client: str
    peer_id: bytes
    fraction: float
    rate_up: int
    rate_down: int
    uploaded: int
    downloaded: int
    encryption: Literal["tls", "mse", "none"]
    incoming: bool


@dataclass(frozen=True, slots=True)
class Progressed:
    """A torrent's progress changed; at most once per refresh interval."""

    info_hash: InfoHash
    progress: Progress


@dataclass(frozen=True, slots=True)
class Completed:
    """Every wanted piece was received and verified.

    Also published when a finished download is added again, but not for `complete` torrents. The data may not be on disk
    yet: call `Engine.flush` first.
    """

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine stopped working on a torrent.

    Attributes:
        info_hash: of the torrent.
        reason: one clause, such as ``No space left on device``.
        errno: of the system call that failed, or 0.
    """

    info_hash: InfoHash
    reason: str
    errno: int = 0


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A peer failed the TLS handshake, or was banned for sending corrupt data.

    Attributes:
        info_hash: of the torrent.
        host: the peer's address.
        reason: one clause.
        is_banned: it sent corrupt data.
    """

    info_hash: InfoHash
    host: str
    reason: str
    is_banned: bool = False


@dataclass(frozen=True, slots=True)
class FalseData:
    """Only false data arrives: several pieces in a row failed the hash check."""

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class TrackerFailed:
    """A tracker did not answer, or answered with an error.

    Attributes:
        info_hash: of the torrent.
        url: the announce URL without its passkey and query.
        reason: one clause, without any passkey.
        announce: the announce URL as the torrent was added with it; secret.
    """

    info_hash: InfoHash
    url: str
    reason: str
    announce: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ContactRefused:
    """A contact from an envelope is not allowed; published once per contact while a torrent is added.

    Attributes:
        info_hash: of the torrent.
        contact: ``host:port`` as it was received.
        reason: one clause about its address, such as ``is link-local``.
    """

    info_hash: InfoHash
    contact: str
    reason: str


EngineEvent: TypeAlias = (
    Progressed | Completed | Failed | FalseData | PeerRefused | TrackerFailed | ContactRefused
)
