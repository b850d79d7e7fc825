"""Homes to test agents with: real identities and folders, people who know each other, short waits."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from tuishare.agent.context import Context
from tuishare.agent.events import ChangeSignal
from tuishare.agent.live import Live
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.startup import connect_outbox
from tuishare.agent.state.store import Store
from tuishare.config.model import Transport, load_config
from tuishare.core.clock import wall_clock
from tuishare.core.home_lock import HomeLock
from tuishare.core.records import ShareRecord
from tuishare.core.share_sealing import create_share_authority, new_secret, new_share_id, seal_share
from tuishare.envelope import CardRecipient, Manifest, Sender, ShareId, Ticket, seal
from tuishare.home_paths import Places, find_places
from tuishare.people import Identity, User, UserBook, load_or_create_identity, save_book
from tuishare.swarm import Engine, EngineSettings
from tuishare.torrents import make_torrent, parse_torrent, walk

SETTLE = {"after_close": 0.05, "quiet": 0.1, "rescan": 60.0}


@dataclass(frozen=True, slots=True)
class Home:
    """One person's home; everything lies below one folder."""

    name: str
    places: Places
    identity: Identity

    @property
    def drop(self) -> Path:
        return self.places.files / "drop"

    @property
    def inbox(self) -> Path:
        return self.places.files / "inbox"

    @property
    def outbox(self) -> Path:
        return self.places.files / "outbox"

    @property
    def downloads(self) -> Path:
        return self.places.files / "downloads"

    def user(self, *, name: str = "", verified: bool = True, groups: tuple[str, ...] = ()) -> User:
        """This person as others know him."""
        return User(name or self.name, card=self.identity.card(self.name), verified=verified, groups=groups)

    def know(self, *users: User) -> None:
        """Write the user book."""
        save_book(self.places.users_file, UserBook(users))

    def configure(self, *recipients: str, settle: dict[str, float] | None = None, **tables: Any) -> None:
        """Write the settings, with one drop folder for the recipients, if there are any."""
        drop = [{"path": str(self.drop), "users": list(recipients)}] if recipients else []
        network = {"listen": "127.0.0.1:0", "share_addresses": False}
        document = {
            "name": self.name,
            "network": network,
            "tracker": {"listen": "127.0.0.1:0", "listen_plain": "127.0.0.1:0"},
            "link": {"enabled": False},  # what tests carry by hand must not arrive by itself
            "settle": {**SETTLE, **(settle or {})},
            "drop": drop,
            "notifications": {"desktop": False},
        }
        self.places.config_file.write_text(tomli_w.dumps({**document, **tables}))

    def receive(self, envelope: Path) -> Path:
        """Move an envelope into the inbox."""
        return envelope.rename(self.inbox / envelope.name)


def make_home(root: Path, name: str) -> Home:
    """Make a home that knows nobody."""
    places = find_places({"TUISHARE_HOME": str(root / name)})
    places.prepare()
    home = Home(name, places, load_or_create_identity(places.identity_file))
    for folder in (home.drop, home.inbox, home.outbox, home.downloads):
        folder.mkdir()
    home.configure()
    return home


def introduce(one: Home, other: Home) -> None:
    """Let two people know and share with each other."""
    for home, friend in ((one, other), (other, one)):
        home.know(friend.user())
        home.configure(friend.name)


@asynccontextmanager
async def opened(home: Home) -> AsyncIterator[Context]:
    """The surroundings of a running agent, without the agent."""
    store = Store(home.places.store_file)
    await store.open()
    engine = await Engine.start(
        EngineSettings(listen_tls="127.0.0.1:0", listen_plain="127.0.0.1:0", refresh=0.05)
    )
    try:
        context = Context(
            Live(load_config(home.places)),
            home.places,
            Live(home.identity),
            store,
            engine,
            HomeLock(home.places.lock_file),
            ChangeSignal(),
        )
        connect_outbox(context)
        yield context
    finally:
        await engine.close()
        await store.close()


def is_idle(queue: ShareQueue) -> bool:
    """Whether no share is being worked on or waits for that."""
    return queue._to_hash.empty() and queue._to_seed.empty() and not queue._at_work


def fill(path: Path, size: int = 40_000) -> Path:
    """Write a file of random bytes."""
    path.write_bytes(os.urandom(size))
    return path


def edit_unseen(path: Path) -> bytes:
    """Change some bytes of a file in place and put its mtime back; return what it holds then."""
    status = path.stat()
    with path.open("r+b") as file:
        first = bytes(byte ^ 255 for byte in file.read(4))
        file.seek(0)
        file.write(first)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return path.read_bytes()


def share_of(path: Path, *, transport: Transport = "tls", **changes: Any) -> ShareRecord:
    """What a share of that payload looks like once it is hashed."""
    torrent = make_torrent(walk(path), version=2 if transport == "tls" else 1)
    record = ShareRecord(
        id=new_share_id(),
        path=str(path),
        name=path.name,
        recipients=("bob",),
        transport=transport,
        added=1,
        secret=new_secret(),
        torrent=torrent,
        info_hash=parse_torrent(torrent).info_hash,
    )
    return replace(create_share_authority(record, wall_clock()), **changes)


def seal_for(sender: Home, share: ShareRecord, *users: User, contacts: tuple[str, ...] = ()) -> bytes:
    """The envelope of a share."""
    return seal_share(share, users, sender.identity, contacts=contacts, now=wall_clock()).envelope


def seal_manifest(
    sender: Home, share: ShareRecord, *users: User, ticket: Ticket | None = None, **changes: Any
) -> bytes:
    """An envelope by somebody who keeps to the format and to nothing else."""
    manifest = Manifest(
        share_id=ShareId(bytes.fromhex(share.id)),
        generation=share.generation,
        created=1,
        not_after=None,
        kind="share",
        transport=share.transport,
        torrent=share.torrent,
        root_certificate=share.root_certificate or None,
        contacts=(),
        announce=(),
        note="",
    )
    manifest = msgspec.structs.replace(manifest, **changes)
    own = ticket or Ticket(bytes(32), share.leaf_certificate or None, share.leaf_key or None)
    members = [CardRecipient(user.card.public_key, own) for user in users if user.card]
    return seal(manifest, members, Sender(sender.identity.signing_key, sender.identity.public_key, own))
