"""The journey of a share: hashing, sealing, seeding. Each step is recorded before its side effect.

Owns the shares of this agent and their way from a settled entry to the swarm. Must not watch folders: settled trees
come in from `tuishare.agent.drops`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tuishare.agent.contacts import find_contacts
from tuishare.agent.context import Context
from tuishare.agent.payload import sign_payload, sign_tree, walk_payload
from tuishare.agent.records import ShareRecord, ShareStep
from tuishare.agent.sealing import give_authority, new_secret, new_share_id, own_credentials, seal_share
from tuishare.config import DropFolder
from tuishare.errors import NotFound, Refused, TuishareError
from tuishare.paths import free_name, publish
from tuishare.swarm import Assignment
from tuishare.torrents import Changed, InfoHash, Tree, Version, make_torrent, parse_torrent

ENVELOPE_SUFFIX: Final = ".torrent.encrypted"
_NAME_LIMIT: Final = 255 - len(ENVELOPE_SUFFIX) - len(" (9999)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hashing:
    """How far the hashing of one share is, in bytes."""

    done: int
    total: int


class Publisher:
    """Every share of this agent. One is hashed at a time, because hashing uses all cores.

    A share has one writer: while one is being worked on, a newer form of it has to settle once more.
    """

    def __init__(self, context: Context, look_again: Callable[[Path], None]) -> None:
        """`look_again` is told of an entry that changed while it was worked on."""
        self._context = context
        self._look_again = look_again
        self._shares: dict[str, ShareRecord] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._changing = asyncio.Lock()
        self._busy = ""
        self._outdated = False
        self._joined: dict[str, InfoHash] = {}
        self._failures: dict[str, tuple[tuple[int, ...], str]] = {}
        self.hashing: dict[str, Hashing] = {}

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first."""
        return self._shares

    async def load(self) -> None:
        """Take up every share where the last run left it; what had a problem is tried again once it has settled."""
        for share in await self._context.store.run(lambda database: database.shares()):
            if share.step is ShareStep.MANUAL:
                continue
            self._shares[share.id] = share
            if share.step is not ShareStep.PROBLEM:
                self._queue.put_nowait(share.id)

    async def run(self) -> None:
        """Work on the shares, one after the other, until cancelled."""
        while True:
            share_id = await self._queue.get()
            async with self._changing:
                self._busy, self._outdated = share_id, False
            share = self._shares[share_id]
            try:
                await self._advance(share)
            finally:
                self._busy = ""
            if self._outdated:
                self._look_again(Path(share.path))

    def find(self, path: Path) -> ShareRecord | None:
        """The share of an entry, or None."""
        return next((share for share in self._shares.values() if share.path == str(path)), None)

    def knows(self, path: Path, signature: str) -> bool:
        """Whether an entry was taken in exactly this form, and nothing speaks for another try."""
        share = self.find(path)
        if share is None:
            return False
        if share.step is ShareStep.PROBLEM:
            return self._failures.get(share.id) == (self._context.book_stamp(), signature)
        return share.signature == signature

    async def accept(self, tree: Tree, folder: DropFolder) -> None:
        """Take a settled entry: a new share, a new generation of the one it was, or another try."""
        async with self._changing:
            known = self.find(tree.root)
            if known is None:
                share = self._begin(tree, folder)
            elif known.id == self._busy:
                self._outdated = True
                return
            elif known.signature != sign_tree(tree):
                share = await self._supersede(known)
            elif known.step is ShareStep.PROBLEM:
                share = _retry(known)
            else:
                return
            await self._save(replace(share, size=tree.total_size, files=len(tree.files)))
            self._queue.put_nowait(share.id)

    async def note_problem(self, info_hash: InfoHash, reason: str) -> None:
        """Take note that the engine gave a share up."""
        async with self._changing:
            for share in list(self._shares.values()):
                if self._joined.get(share.id) == info_hash:
                    await self._leave_swarm(share)
                    await self._fail(share, reason, "")

    def _begin(self, tree: Tree, folder: DropFolder) -> ShareRecord:
        return ShareRecord(
            id=new_share_id(),
            path=str(tree.root),
            name=tree.name,
            recipients=tuple(folder.users),
            transport=folder.transport,
            added=self._context.now(),
            secret=new_secret(),
            folder=folder.path,
        )

    async def _supersede(self, share: ShareRecord) -> ShareRecord:
        """Stop serving what has changed on disk; what recipients hold of it stays theirs."""
        await self._leave_swarm(share)
        return replace(
            share,
            # Once hashed, an envelope may be out, even when a crash kept us from recording it.
            generation=share.generation + (share.info_hash != ""),
            step=ShareStep.HASHING,
            info_hash="",
            torrent=b"",
            problem="",
            hint="",
        )

    async def _leave_swarm(self, share: ShareRecord) -> None:
        """Leave the swarm that was joined for this share: another one may have the same content, and stays."""
        if info_hash := self._joined.pop(share.id, None):
            try:
                await self._context.engine.remove(info_hash)
            except NotFound:
                _log.debug("A share was not in the engine when it was superseded")

    async def _advance(self, share: ShareRecord) -> None:
        try:
            if share.step is ShareStep.HASHING:
                share = await self._hash(share)
            if share.step is ShareStep.SEALING:
                share = await self._seal(share)
            if share.step is ShareStep.SEEDING:
                await self._seed(share)
        except Changed:
            await self._save(replace(share, step=ShareStep.SETTLING, signature=""))
            self._outdated = True
        except TuishareError as error:
            await self._fail(share, error.detail, error.hint)

    async def _fail(self, share: ShareRecord, problem: str, hint: str) -> None:
        """Show the problem, and remember what it was tried with: another try with the same would fail as well."""
        _log.warning("Cannot share %r: %s", share.name, problem)
        stamp = self._context.book_stamp()
        signature = await asyncio.to_thread(sign_payload, Path(share.path), share.folder)
        self._failures[share.id] = (stamp, signature)
        await self._save(replace(share, step=ShareStep.PROBLEM, problem=problem, hint=hint))

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
        return await self._save(
            replace(
                give_authority(share, self._context.clock()),
                step=ShareStep.SEALING,
                signature=sign_tree(tree),
                size=tree.total_size,
                files=len(tree.files),
                torrent=torrent,
                info_hash=parse_torrent(torrent).info_hash,
                envelope=share.envelope or self._choose_envelope(share.name),
            )
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
        return await self._save(replace(share, step=ShareStep.SEEDING, sealed=share.generation))

    def _require_alone(self, share: ShareRecord) -> None:
        """Refuse, before anybody gets an envelope, what could not be served: a swarm has one authority."""
        if share.info_hash in self._context.engine.all_progress():
            raise Refused(
                f"The same content is already shared or downloaded here under the name “{share.name}”",
                hint="Share it once, for everybody who is to have it, or rename one of them.",
            )

    async def _seed(self, share: ShareRecord) -> None:
        """Join the swarm, unless the payload is no longer what was hashed: then it has to settle again."""
        if share.id in self._joined:
            return
        tree = await asyncio.to_thread(walk_payload, Path(share.path), share.folder)
        if sign_tree(tree) != share.signature:
            raise Changed(f"{share.name} has changed since it was hashed")
        self._joined[share.id] = InfoHash(share.info_hash)
        try:
            await self._context.engine.add(_assignment(share))
        except TuishareError:
            del self._joined[share.id]
            raise
        self._context.changed.notify()

    def _choose_envelope(self, name: str) -> str:
        """Find a file name in the outbox that no other share has or had."""
        taken = {share.envelope for share in self._shares.values()}
        stem = name.encode()[:_NAME_LIMIT].decode(errors="ignore")
        number = 1
        while True:
            candidate = f"{stem}{ENVELOPE_SUFFIX}" if number == 1 else f"{stem} ({number}){ENVELOPE_SUFFIX}"
            path = self._context.config.folders.outbox_path / candidate
            if candidate not in taken and free_name(path.parent, path.name) == path:
                return candidate
            number += 1

    async def _save(self, share: ShareRecord) -> ShareRecord:
        await self._context.store.run(lambda database: database.save(share))
        self._shares[share.id] = share
        self._context.changed.notify()
        return share


def _assignment(share: ShareRecord) -> Assignment:
    return Assignment(
        torrent=share.torrent,
        save_path=Path(share.path).parent,
        transport=share.transport,
        credentials=own_credentials(share),
        complete=True,
    )


def _retry(share: ShareRecord) -> ShareRecord:
    """Go back to the step that had the problem; an envelope that went out is not sealed again."""
    if share.sealed == share.generation:
        step = ShareStep.SEEDING
    else:
        step = ShareStep.SEALING if share.torrent else ShareStep.HASHING
    return replace(share, step=step, problem="", hint="")


def _call_if_running(
    loop: asyncio.AbstractEventLoop, call: Callable[[int, int], None], done: int, total: int
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, done, total)
