"""The specification of a torrent to add to the engine.

Owns the value only; `tuishare.swarm.torrent_params` converts it for libtorrent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tuishare.config.model import Transport
from tuishare.net.endpoints import Endpoint
from tuishare.swarm.certificates import Credentials
from tuishare.torrents import AS_IN_TORRENT, LocalNames


@dataclass(frozen=True, slots=True)
class TorrentSpec:
    """A torrent to seed or to download.

    Attributes:
        torrent: the whole .torrent file. Only its info dict and piece layers are used: trackers, web seeds and DHT
            nodes in it are ignored, so no host is contacted that is not named here.
        save_path: the folder of the payload. For a download it must be new and private,
            because the engine would write through existing symlinks.
        transport: `tls` requires credentials, `plain` must have none.
        credentials: our certificate and the share's authority.
        contacts: peers to connect to at once, and again while no peer is connected; without a check of addresses.
        received: likewise, but from an envelope: checked by `tuishare.net.addresses.judge`, and at most
            `tuishare.net.addresses.MOST_CONTACTS`.
        fallback: likewise from an envelope, connected to only while there is no other peer: they lead by a hub.
        announce: tracker URLs in tiers (BEP 12); may contain a passkey.
        complete: whether the whole payload exists and was verified by us (just hashed, or a flushed download): seed it
            without reading it again first, and never write to it.
        resume_data: from `Engine.save_resume`; ignored if it does not match the torrent.
        unwanted: indices of the files not to download, in the torrent's order; v2 torrents only.
        names: that the payload and its files have, or are to have, in `save_path`.
    """

    torrent: bytes = field(repr=False)
    save_path: Path
    transport: Transport
    credentials: Credentials | None
    contacts: tuple[Endpoint, ...] = ()
    received: tuple[Endpoint, ...] = ()
    fallback: tuple[Endpoint, ...] = ()
    announce: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    complete: bool = False
    resume_data: bytes | None = field(default=None, repr=False)
    unwanted: frozenset[int] = frozenset()
    names: LocalNames = AS_IN_TORRENT
