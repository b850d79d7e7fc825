"""A share to test with: payload, torrent and members, made by the real parts."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tuishare.swarm import (
    Completed,
    Credentials,
    Endpoint,
    Engine,
    Failed,
    ShareAuthority,
    TorrentSpec,
    Transport,
    create_authority,
)
from tuishare.torrents import InfoHash, make_torrent, parse_torrent, walk


@dataclass(frozen=True, slots=True)
class Share:
    """One file in its folder, its torrent, and for a TLS swarm its authority."""

    folder: Path
    data: bytes
    torrent: bytes
    authority: ShareAuthority | None

    @property
    def info_hash(self) -> InfoHash:
        return parse_torrent(self.torrent).info_hash

    def member(self) -> Credentials | None:
        now = datetime.now(UTC)
        return self.authority.admit(self.authority.issue(now)) if self.authority else None

    def seeding(self) -> TorrentSpec:
        return TorrentSpec(self.torrent, self.folder, self._transport, self.member(), complete=True)

    def downloading(self, into: Path, *contacts: Endpoint, resume_data: bytes | None = None) -> TorrentSpec:
        into.mkdir(exist_ok=True)
        return TorrentSpec(
            self.torrent, into, self._transport, self.member(), contacts=contacts, resume_data=resume_data
        )

    @property
    def _transport(self) -> Transport:
        return "tls" if self.authority else "plain"


def make_share(folder: Path, *, size: int = 1 << 20, tls: bool = True, seed: int = 1) -> Share:
    """Write `size` random bytes into a new folder and make a torrent of them."""
    folder.mkdir()
    data = random.Random(seed).randbytes(size)
    (folder / "payload.bin").write_bytes(data)
    torrent = make_torrent(walk(folder / "payload.bin"), version=2 if tls else 1, piece_length=32 * 1024)
    return Share(folder, data, torrent, create_authority(datetime.now(UTC)) if tls else None)


def at(engine: Engine, transport: str = "tls") -> Endpoint:
    """Say where an engine listens."""
    return Endpoint("127.0.0.1", {str(key): port for key, port in engine.listening.items()}[transport])


def connect(engine: Engine, info_hash: InfoHash, *peers: Endpoint) -> None:
    """Connect to peers that the specification of a torrent does not name."""
    for peer in peers:
        engine._table.handle(info_hash).connect_peer((peer.host, peer.port))


async def completed(engine: Engine, spec: TorrentSpec, *, seconds: float = 10.0) -> InfoHash:
    """Add a download and wait until it is complete and in its files."""
    with engine.subscribe() as events:
        info_hash = await engine.add(spec)
        async with asyncio.timeout(seconds):
            async for event in events:
                match event:
                    case Completed():
                        break
                    case Failed():
                        raise AssertionError(event.reason)
    await engine.flush(info_hash)
    return info_hash
