"""What the engine is asked to do with one torrent.

Owns the value only; `tuishare.swarm.torrent_params` turns it into libtorrent's own form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from tuishare.net.endpoints import Endpoint
from tuishare.swarm.certificates import Credentials

Transport: TypeAlias = Literal["tls", "plain"]


@dataclass(frozen=True, slots=True)
class TorrentSpec:
    """One torrent to seed or to download.

    Attributes:
        torrent: the whole .torrent file. Only its info dict and piece layers count: trackers, web seeds and DHT nodes
            in it are ignored, so no host is contacted that is not named here.
        save_path: the folder that holds (or will hold) the payload under the torrent's name. For a download: fresh
            and private, because the engine would write through links that are already there.
        transport: `tls` needs credentials, `plain` must have none.
        credentials: our certificate and the share's authority.
        contacts: peers to connect to at once, and again and again while no peer is connected; wherever they are.
        received: likewise, but named by an envelope: called only where `tuishare.net.addresses.judge` lets, and at most
            `tuishare.net.addresses.MOST_CONTACTS` of them.
        announce: tracker URLs in tiers (BEP 12); they may hold a passkey.
        complete: the whole payload is there and was verified by us (just hashed, or a download that was flushed): seed
            it without reading it again first, and never write to it.
        resume_data: what `Engine.save_resume` gave; data that do not fit the torrent are ignored.
        paused: add it without starting it.
        unwanted: the numbers of files that are not fetched, in the torrent's order; of v2 torrents only.
    """

    torrent: bytes = field(repr=False)
    save_path: Path
    transport: Transport
    credentials: Credentials | None
    contacts: tuple[Endpoint, ...] = ()
    received: tuple[Endpoint, ...] = ()
    announce: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    complete: bool = False
    resume_data: bytes | None = field(default=None, repr=False)
    paused: bool = False
    unwanted: frozenset[int] = frozenset()
