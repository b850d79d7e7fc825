"""The journey of a share: hashing, sealing, seeding. Each step is recorded before its side effect.

Owns the way of a share from a settled entry to the swarm. Must not watch folders: settled trees come in from
`tuishare.agent.drops`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tuishare.agent.contacts import find_contacts
from tuishare.agent.context import Context
from tuishare.agent.payload import sign_payload, sign_tree, walk_payload
from tuishare.agent.records import ShareRecord, ShareStep
from tuishare.agent.sealing import give_authority, new_secret, new_share_id, seal_share
from tuishare.agent.shelf import Shelf
from tuishare.config import Transport
from tuishare.errors import Refused, TuishareError
from tuishare.paths import free_name, publish
from tuishare.torrents import Changed, Tree, Version, make_torrent, parse_torrent, rename_torrent

ENVELOPE_SUFFIX: Final = ".torrent.encrypted"
_NAME_LIMIT: Final = 255 - len(ENVELOPE_SUFFIX) - len(" (9999)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hashing:
    """How far the hashing of one share is, in bytes."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom and how an entry is shared.

    Attributes:
        folder: the drop folder whose ignore patterns hold, or empty.
        note: for the recipients, at most 500 characters.
        not_after: Unix seconds after which it is withdrawn; 0: never.
    """

    users: tuple[str, ...]
    transport: Transport
    folder: str = ""
    note: str = ""
    not_after: int = 0


class Publisher:
    """Brings shares into the swarm. One is hashed at a time, because hashing uses all cores.

    A share has one writer: while one is being worked on, a newer form of it has to settle once more.
    """

    def __init__(self, context: Context, shelf: Shelf, look_again: Callable[[Path], None]) -> None:
        """`look_again` is told of an entry that changed while it was worked on."""
        self._context = context
        self._shelf = shelf
        self._look_again = look_again
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._busy = ""
        self._outdated = False
        self._failures: dict[str, tuple[tuple[int, ...], str]] = {}
        self.hashing: dict[str, Hashing] = {}

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first."""
        return self._shelf.shares

    async def load(self) -> None:
        """Take up every share where the last run left it; what had a problem is tried again once it has settled."""
        await self._shelf.load()
        for share in self._shelf.shares.values():
            if share.step in _UNDER_WAY:
                self._queue.put_nowait(share.id)

    async def run(self) -> None:
        """Work on the shares, one after the other, until cancelled."""
        while True:
            share_id = await self._queue.get()
            async with self._shelf.changing:
                share = self._shelf.shares.get(share_id)
                if share is None:
                    continue  # removed while it waited
                self._busy, self._outdated = share_id, False
            try:
                await self._advance(share)
            finally:
                self._busy = ""
            if self._outdated:
                self._look_again(Path(share.path))

    def find(self, path: Path) -> ShareRecord | None:
        """The share of an entry, or None."""
        return self._shelf.find(path)

    def knows(self, path: Path, signature: str) -> bool:
        """Whether an entry was taken in exactly this form, and nothing speaks for another try."""
        share = self._shelf.find(path)
        if share is None or share.step is ShareStep.WITHDRAWN:
            return False
        if share.step is ShareStep.PROBLEM:
            return self._failures.get(share.id) == (self._context.book_stamp(), signature)
        return share.signature == signature and share.step is not ShareStep.SETTLING

    async def accept(self, tree: Tree, audience: Audience) -> str:
        """Take a settled entry: a new share, a new generation of the one it was, its new name, or another try.

        Returns:
            The id of its share.
        """
        async with self._shelf.changing:
            known = self._shelf.find(tree.root)
            if known is not None and known.step is ShareStep.FORGOTTEN:
                await self._shelf.remove(known)  # it changed since: that is something new
                known = None
            if known is None:
                share = self._renamed(tree) or self._begin(tree, audience)
            elif known.id == self._busy:
                self._outdated = True
                return known.id
            else:
                share = await self._next_form(known, tree)
            if share is not known:
                await self._shelf.save(replace(share, size=tree.total_size, files=len(tree.files)))
                self._queue.put_nowait(share.id)
            return share.id

    async def stop_serving(self, path: Path, signature: str) -> None:
        """Stop serving an entry that is no longer what was hashed; whatever it becomes has to settle first."""
        async with self._shelf.changing:
            share = self._shelf.find(path)
            if share is None or share.id == self._busy or share.signature == signature:
                return
            if share.step is ShareStep.SEEDING:
                await self._shelf.leave_swarm(share)
                await self._shelf.save(replace(share, step=ShareStep.SETTLING))

    def take_up(self, share: ShareRecord) -> None:
        """Work on a share that somebody else has brought to another step."""
        self._queue.put_nowait(share.id)

    def is_busy_with(self, share: ShareRecord) -> bool:
        """Whether a share is being worked on right now."""
        return share.id == self._busy

    async def note_problem(self, info_hash: str, reason: str) -> None:
        """Take note that the engine gave a share up."""
        async with self._shelf.changing:
            for share in list(self._shelf.shares.values()):
                if share.info_hash == info_hash and self._shelf.is_served(share):
                    await self._shelf.leave_swarm(share)
                    await self._fail(share, reason, "")

    def _begin(self, tree: Tree, audience: Audience) -> ShareRecord:
        return ShareRecord(
            id=new_share_id(),
            path=str(tree.root),
            name=tree.name,
            recipients=audience.users,
            transport=audience.transport,
            added=self._context.now(),
            secret=new_secret(),
            folder=audience.folder,
            note=audience.note,
            not_after=audience.not_after,
        )

    def _renamed(self, tree: Tree) -> ShareRecord | None:
        """Find the share that this entry was under another name: same files, and the former name is gone."""
        signature = sign_tree(tree)
        for share in self._shelf.shares.values():
            same = share.signature == signature and share.torrent and share.id != self._busy
            if same and Path(share.path).parent == tree.root.parent and not os.path.lexists(share.path):
                torrent = rename_torrent(share.torrent, tree.name)
                return replace(
                    give_authority(share, self._context.clock()),
                    path=str(tree.root),
                    name=tree.name,
                    torrent=torrent,
                    info_hash=parse_torrent(torrent).info_hash,
                    generation=share.generation + 1,
                    step=ShareStep.SEALING,
                    envelope=self._choose_envelope(tree.name),
                )
        return None

    async def _next_form(self, share: ShareRecord, tree: Tree) -> ShareRecord:
        """What a share becomes now that its entry has settled; the share itself when nothing is to be done."""
        if share.signature != sign_tree(tree):
            # What recipients hold of the former form stays theirs.
            await self._shelf.leave_swarm(share)
            return replace(share, step=ShareStep.HASHING, problem="", hint="")
        match share.step:
            case ShareStep.PROBLEM | ShareStep.SETTLING:
                return _retry(share)
            case ShareStep.WITHDRAWN:
                return replace(share, step=ShareStep.SEALING, generation=share.generation + 1)
            case _:
                return share

    async def _advance(self, share: ShareRecord) -> None:
        try:
            if share.step is ShareStep.HASHING:
                share = await self._hash(share)
            if share.step is ShareStep.SEALING:
                share = await self._seal(share)
            if share.step is ShareStep.SEEDING and not share.paused:
                await self._seed(share)
        except Changed:
            await self._shelf.save(replace(share, step=ShareStep.SETTLING, signature=""))
            self._outdated = True
        except TuishareError as error:
            await self._fail(share, error.detail, error.hint)

    async def _fail(self, share: ShareRecord, problem: str, hint: str) -> None:
        """Show the problem, and remember what it was tried with: another try with the same would fail as well."""
        _log.warning("Cannot share %r: %s", share.name, problem)
        stamp = self._context.book_stamp()
        signature = await asyncio.to_thread(sign_payload, Path(share.path), share.folder)
        self._failures[share.id] = (stamp, signature)
        await self._shelf.save(replace(share, step=ShareStep.PROBLEM, problem=problem, hint=hint))

    async def _hash(self, share: ShareRecord) -> ShareRecord:
        version: Version = 2 if share.transport == "tls" else 1
        show = self._hashing_progress(share.id)
        ended = threading.Event()

        def work() -> tuple[Tree, bytes]:
            tree = walk_payload(Path(share.path), share.folder)
            return tree, make_torrent(tree, version=version, progress=show, cancelled=ended.is_set)

        try:
            tree, torrent = await asyncio.to_thread(work)
        finally:
            ended.set()  # an agent that stops must not wait for hours of hashing
            self.hashing.pop(share.id, None)
        return await self._shelf.save(self._hashed(share, tree, torrent))

    def _hashed(self, share: ShareRecord, tree: Tree, torrent: bytes) -> ShareRecord:
        info_hash = parse_torrent(torrent).info_hash
        seen = replace(
            share, signature=sign_tree(tree), size=tree.total_size, files=len(tree.files), info_hash=info_hash
        )
        if info_hash == share.info_hash and share.sealed == share.generation:
            return replace(seen, step=ShareStep.SEEDING)  # touched, but the same: nobody needs to hear of it
        return replace(
            give_authority(seen, self._context.clock()),
            step=ShareStep.SEALING,
            torrent=torrent,
            # Once hashed, an envelope may be out, even when a crash kept us from recording it.
            generation=share.generation + (share.info_hash != ""),
            envelope=share.envelope or self._choose_envelope(share.name),
        )

    def _hashing_progress(self, share_id: str) -> Callable[[int, int], None]:
        loop = asyncio.get_running_loop()

        def show(done: int, total: int) -> None:
            self.hashing[share_id] = Hashing(done, total)
            self._context.changed.notify()

        return lambda done, total: _call_if_running(loop, show, done, total)

    async def _seal(self, share: ShareRecord) -> ShareRecord:
        context = self._context
        self._require_alone(share)
        users = context.book().resolve(share.recipients)
        port = context.engine.listening[share.transport]
        contacts = find_contacts(context.config.network, port)
        sealed = await asyncio.to_thread(
            lambda: seal_share(share, users, context.identity, contacts=contacts, now=context.clock())
        )
        await context.store.run(lambda database: database.save(*sealed.recipients))
        outbox = context.config.folders.outbox_path
        await asyncio.to_thread(publish, outbox / share.envelope, sealed.envelope, mode=0o644)
        return await self._shelf.save(replace(share, step=ShareStep.SEEDING, sealed=share.generation))

    def _require_alone(self, share: ShareRecord) -> None:
        """Refuse, before anybody gets an envelope, what could not be served: a swarm has one authority."""
        if share.info_hash in self._context.engine.all_progress():
            raise Refused(
                f"The same content is already shared or downloaded here under the name “{share.name}”",
                hint="Share it once, for everybody who is to have it, or rename one of them.",
            )

    async def _seed(self, share: ShareRecord) -> None:
        """Join the swarm, unless the payload is no longer what was hashed: then it has to settle again."""
        if self._shelf.is_served(share):
            return
        tree = await asyncio.to_thread(walk_payload, Path(share.path), share.folder)
        if sign_tree(tree) != share.signature:
            raise Changed(f"{share.name} has changed since it was hashed")
        await self._shelf.enter_swarm(share)

    def _choose_envelope(self, name: str) -> str:
        """Find a file name in the outbox that no other share has or had."""
        taken = {share.envelope for share in self._shelf.shares.values()}
        stem = name.encode()[:_NAME_LIMIT].decode(errors="ignore")
        number = 1
        while True:
            candidate = f"{stem}{ENVELOPE_SUFFIX}" if number == 1 else f"{stem} ({number}){ENVELOPE_SUFFIX}"
            path = self._context.config.folders.outbox_path / candidate
            if candidate not in taken and free_name(path.parent, path.name) == path:
                return candidate
            number += 1


_UNDER_WAY: Final = frozenset({ShareStep.HASHING, ShareStep.SEALING, ShareStep.SEEDING})


def _retry(share: ShareRecord) -> ShareRecord:
    """Go back to the step that had the problem; an envelope that went out is not sealed again."""
    if share.sealed == share.generation:
        step = ShareStep.SEEDING
    else:
        step = ShareStep.SEALING if share.torrent and share.signature else ShareStep.HASHING
    return replace(share, step=step, problem="", hint="")


def _call_if_running(
    loop: asyncio.AbstractEventLoop, call: Callable[[int, int], None], done: int, total: int
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, done, total)
