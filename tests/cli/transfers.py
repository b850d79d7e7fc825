"""The surroundings of a download: a share, and a seed that is slow enough to be interrupted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.homes import Person
from tests.waiting import wait_until
from tuishare.core.database import Database
from tuishare.core.share_sealing import own_credentials
from tuishare.swarm import Engine, EngineSettings, TorrentSpec
from tuishare.torrents import InfoHash, parse_torrent


@dataclass(frozen=True, slots=True)
class Made:
    """A share made by `create`."""

    payload: Path
    key: str

    @property
    def torrent(self) -> Path:
        return self.payload.with_name(f"{self.payload.name}.torrent")

    @property
    def envelope(self) -> Path:
        return self.payload.with_name(f"{self.payload.name}.torrent.encrypted")


def create(person: Person, payload: Path, *words: object, user: str = "bob") -> Made:
    """Create a share for one user, known or not."""
    made = person.call("create", "--file", payload, "--user", user, *words)
    assert made.code == 0, made.err
    return Made(payload, made.keys.get(user, ""))


class Seed:
    """Serves one share and counts what was asked of it."""

    def __init__(self, engine: Engine, info_hash: InfoHash) -> None:
        self._engine = engine
        self._info_hash = info_hash

    @property
    def address(self) -> str:
        (port,) = self._engine.listening.values()
        return f"127.0.0.1:{port}"

    @property
    def sent(self) -> int:
        """Bytes of payload sent, a moment ago."""
        return self._engine.progress(self._info_hash).uploaded

    async def left_alone(self) -> Seed:
        """Wait until no peer is connected; everything has been counted then."""
        await wait_until(lambda: self._engine.progress(self._info_hash).peers == 0)
        return self


@asynccontextmanager
async def seeding(person: Person, made: Made, *, rate: int = 0) -> AsyncIterator[Seed]:
    """Seed a share, at `rate` bytes per second; 0 is unlimited."""
    database = Database(person.places.store_file)
    share = database.share_by_info_hash(parse_torrent(made.torrent.read_bytes()).info_hash)
    database.close()
    assert share is not None
    engine = await Engine.start(
        EngineSettings(
            listen_tls="127.0.0.1:0" if share.transport == "tls" else None,
            listen_plain="127.0.0.1:0" if share.transport == "plain" else None,
            upload_limit=rate,
            refresh=0.05,
        )
    )
    try:
        assignment = TorrentSpec(
            share.torrent, made.payload.parent, share.transport, own_credentials(share), complete=True
        )
        yield Seed(engine, await engine.add(assignment))
    finally:
        await engine.close()
