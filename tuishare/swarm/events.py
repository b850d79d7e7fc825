"""What the engine reports: frozen values in the past tense, and how far each torrent is.

Owns the words only. Nothing here refers to libtorrent's own objects, which die with the next batch of alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tuishare.torrents import InfoHash

State: TypeAlias = Literal["checking", "downloading", "seeding", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one torrent is; counts are payload bytes, rates payload bytes per second.

    Attributes:
        info_hash: which torrent.
        state: what it does now; `failed` stays until it is resumed.
        done: bytes of it that we have and verified.
        total: bytes of the payload that are wanted.
        fraction: 0..1 of the present activity: of the check while `checking`, else of the payload.
        rate_up: sending.
        rate_down: receiving.
        uploaded: sent so far, also before the last restart (kept in the resume data).
        downloaded: received so far, likewise.
        peers: connected peers, seeds included.
        seeds: connected peers that have everything.
        spoilt: pieces that arrived and did not fit their hashes since `done` was last higher than ever before.
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
    spoilt: int = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """One live connection.

    Attributes:
        host: its address.
        port: its port; of an incoming connection not the one it listens on.
        client: the program and version that it names; hostile text, never to be shown raw.
        peer_id: 20 bytes as it sent them; equal to the one it announces to trackers.
        fraction: 0..1 of the payload that it has.
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
    """A torrent's numbers changed; at most once per refresh interval."""

    info_hash: InfoHash
    progress: Progress


@dataclass(frozen=True, slots=True)
class Completed:
    """Every wanted piece arrived and was verified.

    Told also when a finished download is added again, not of `complete` ones. Not yet "on disk": `Engine.flush` first.
    """

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine stopped working on a torrent.

    Attributes:
        info_hash: which torrent.
        reason: one clause, such as ``No space left on device``.
        errno: of the system call that failed, or 0.
    """

    info_hash: InfoHash
    reason: str
    errno: int = 0


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A peer could not prove that it belongs to the swarm, or was banned for sending false data.

    Attributes:
        info_hash: which torrent.
        host: the peer's address.
        reason: one clause.
    """

    info_hash: InfoHash
    host: str
    reason: str


@dataclass(frozen=True, slots=True)
class FalseData:
    """Only false data comes: several pieces in a row did not fit their hashes, and none that did came in between."""

    info_hash: InfoHash


@dataclass(frozen=True, slots=True)
class TrackerFailed:
    """A tracker did not answer, or answered with an error.

    Attributes:
        info_hash: which torrent.
        url: the announce URL without its passkey and query.
        reason: one clause, without any passkey.
    """

    info_hash: InfoHash
    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContactRefused:
    """Something that an envelope names as a contact is not called; told once while a torrent is here.

    Attributes:
        info_hash: which torrent.
        contact: ``host:port`` as it was received.
        reason: one clause about its address, such as ``is link-local``.
    """

    info_hash: InfoHash
    contact: str
    reason: str


EngineEvent: TypeAlias = (
    Progressed | Completed | Failed | FalseData | PeerRefused | TrackerFailed | ContactRefused
)
