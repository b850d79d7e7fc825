"""The drop folders: settled entries become shares, and shares end with their entries.

Owns which entries count and how they are looked at. Must not know what becomes of them:
`tuishare.agent.shares.queue` and `tuishare.agent.shares.commands` do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tuishare.agent.context import Context
from tuishare.agent.folders.fingerprint import walk_payload
from tuishare.agent.folders.folder_monitor import FolderMonitor, Observation
from tuishare.agent.folders.ignore_rules import DEFAULTS, IGNORE_FILE, read_ignore_rules
from tuishare.agent.folders.watcher import FileEvent, Watcher
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.corruption_reports import CorruptionReports
from tuishare.agent.shares.entry_handler import EntryHandler
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.reconcile import SettingsReconciler
from tuishare.agent.shares.reissue import Reissuer
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.standalone import StandaloneHandler, find_folders
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.config.model import DropFolder
from tuishare.core.activity import ActivityKind
from tuishare.core.drop_marker import MARKER, write_marker
from tuishare.core.records import ShareStep
from tuishare.errors import BadInput, Refused, TuishareError
from tuishare.torrents import Tree
from tuishare.tracker import PeerAnnounced

_DROPPED: Final = "Its drop folder says whom it is for."
_FORGOTTEN: Final = (
    "You forgot it: `touch` it, or any file in it where it is a folder, and its drop folder shares it again."
)

_Tasks: TypeAlias = dict[EntryHandler, asyncio.Task[None]]


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry that cannot be shared as it is; `at` in Unix seconds."""

    name: str
    error: TuishareError
    at: int


class Sharing:
    """All drop folders of the settings, which may come and go while the agent runs, and what is shared elsewhere."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._altered = asyncio.Event()
        self.repository = ShareRepository(context)
        self.queue = ShareQueue(context, self.repository, self._look_again)
        self.admission = ShareAdmission(context, self.repository, self.queue)
        self.commands = ShareCommands(context, self.repository, self.queue)
        self.resealing = Reissuer(context, self.repository, self.commands)
        self.corruption = CorruptionReports(context, self.repository, self.queue)
        self._reconciler = SettingsReconciler(context, self.repository, self.queue, self.commands)
        self.handlers: list[DropFolderHandler] = []
        self._loose: list[StandaloneHandler] = []
        self.followings: dict[Path, FolderMonitor[Tree]] = {}
        self.take_settings()

    async def load(self) -> None:
        """Take up what the last run left."""
        await self.queue.load()
        await self.commands.finish()
        self.take_shares()

    def on_announce(self, announced: PeerAnnounced) -> None:
        """Record how far a recipient is, and what they report about the data."""
        if share := self.repository.shares.get(announced.share):
            self.repository.deliveries.record_announce(announced, share)
            self.corruption.take(announced, share)

    def take_settings(self) -> None:
        """Follow the folders that the settings name now; `run` does the rest."""
        known = {handler.folder.path: handler for handler in self.handlers}
        self.handlers = [
            known.get(folder.path) or self._handler(folder) for folder in self._context.config.drop
        ]
        for handler, folder in zip(self.handlers, self._context.config.drop, strict=True):
            handler.folder = folder
        self.take_shares()

    def take_shares(self) -> None:
        """Follow the shares that lie elsewhere, too; `run` does the rest."""
        dropped = {handler.path for handler in self.handlers}
        known = {handler.path: handler for handler in self._loose}
        self._loose = [
            known.get(folder) or StandaloneHandler(folder, self.admission, self.commands, self._context)
            for folder in find_folders(self.repository.shares.values()) - dropped
        ]
        former = {following.handler: following for following in self.followings.values()}
        self.followings = {
            handler.path: former.get(handler) or self._following(handler)
            for handler in (*self.handlers, *self._loose)
        }
        self._altered.set()

    async def run(self, watcher: Watcher) -> None:
        """Follow all folders until cancelled, whichever they are; what fails in one of them fails here."""
        tasks: _Tasks = {}
        try:
            while True:
                self._altered.clear()
                await self._adjust(tasks, watcher)
                await self._reconciler.reconcile()
                await self._until_altered(tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _adjust(self, tasks: _Tasks, watcher: Watcher) -> None:
        wanted = (*self.handlers, *self._loose)
        for handler in set(tasks).difference(wanted):
            async with handler.entry_lock:  # never in the middle of what is recorded and then done
                task = tasks.pop(handler)
                task.cancel()
            await asyncio.wait({task})
            await asyncio.to_thread(watcher.unwatch, handler.path)
        for handler in wanted:
            if handler not in tasks:
                tasks[handler] = asyncio.create_task(self.followings[handler.path].run(watcher))

    async def _until_altered(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        altered = asyncio.create_task(self._altered.wait())
        try:
            ended, _ = await asyncio.wait({altered, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            altered.cancel()
        for task in ended:
            task.result()

    def scan_soon(self) -> None:
        """Scan all folders at once, because what was refused may be welcome now."""
        for following in self.followings.values():
            following.scan_soon()

    def on_file_event(self, hint: FileEvent) -> None:
        """Take an event, if it is of a drop folder."""
        if following := self.followings.get(hint.folder):
            following.on_file_event(hint)
            if hint.entry == IGNORE_FILE:
                following.scan_soon()
            self._context.changed.notify()

    async def share(self, path: Path, target: ShareTarget) -> str:
        """Share a file or folder that lies elsewhere; one that is shared already may get more recipients.

        Args:
            path: absolute.
            target: users and ``@groups`` as named, and how; an empty note and a `not_after` of 0 leave those of a
                known share as they are.

        Returns:
            The id of the share.

        Raises:
            Refused: somebody who has a ticket would lose it.
            TuishareError: it cannot be shared, or not for these recipients.
        """
        if not path.is_absolute():
            raise BadInput("The path to share is not absolute", hint="Write it from / on.")
        if target.transport not in self._context.engine.transports:
            raise Refused(
                f"This agent takes no {target.transport} swarms",
                hint="Set network.listen_plain and start the agent again, or share it with the transport tls.",
            )
        await asyncio.to_thread(self._require_foreign, path)
        users = self._context.book().resolve(target.users)
        tree = await asyncio.to_thread(walk_payload, path)
        share = await self.admission.share(tree, target, users)
        self.take_shares()
        return share

    def _require_foreign(self, path: Path) -> None:
        """Refuse what is shared already by its folder, and what holds keys."""
        if path.parent in {handler.path for handler in self.handlers}:
            known = self.repository.find(path)
            forgotten = known is not None and known.step is ShareStep.FORGOTTEN
            raise Refused("This lies in a drop folder already", hint=_FORGOTTEN if forgotten else _DROPPED)
        places, folders = self._context.places, self._context.config.folders
        wanted = path.resolve()
        for folder in (places.config, places.state, folders.inbox_path, folders.outbox_path):
            own = folder.resolve()
            if own == wanted or own in wanted.parents or wanted in own.parents:
                raise Refused(
                    f"{path} is, lies in or holds {folder}, which is tuishare's own",
                    hint="Your keys and envelopes are nothing to share; copy what you want to share elsewhere.",
                )

    def _handler(self, folder: DropFolder) -> DropFolderHandler:
        return DropFolderHandler(folder, self.admission, self.commands, self._context)

    def _following(self, handler: EntryHandler) -> FolderMonitor[Tree]:
        # Who shares one file of a large folder does not want all of that watched.
        recursive = isinstance(handler, DropFolderHandler)
        return FolderMonitor(handler.path, self._context.config.settle, handler, recursive=recursive)

    def _look_again(self, path: Path) -> None:
        if following := self.followings.get(path.parent):
            following.rescan(path.name)


class DropFolderHandler(EntryHandler):
    """What one drop folder's entries are for.

    Attributes:
        folder: as it is configured now; its path stays the same.
        refusals: what cannot be shared as it is, by name.
    """

    def __init__(
        self, folder: DropFolder, admission: ShareAdmission, commands: ShareCommands, context: Context
    ) -> None:
        super().__init__(Path(folder.path), admission, commands, context)
        self.folder = folder
        self.patterns = folder.path
        self.refusals: dict[str, RefusedEntry] = {}

    def wants(self, entry: str) -> bool:
        """Everything but what we put there ourselves, the list of what to leave out, and what stands on it."""
        try:
            ignoring = read_ignore_rules(self.path)
        except TuishareError:
            ignoring = DEFAULTS  # the look fails for the same reason, which shows and keeps everything back
        ours = entry in {IGNORE_FILE, MARKER}
        return not ours and not ignoring((entry,), is_folder=(self.path / entry).is_dir())

    async def settled(self, path: Path, look: Observation[Tree]) -> None:
        """Hand it on."""
        del path
        audience = ShareTarget(tuple(self.folder.users), self.folder.transport, self.folder.path)
        async with self.entry_lock:
            await self._admission.accept(look.payload, audience)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Show what cannot be shared, and why; what it was before is served no longer."""
        await super().refused(path, error)
        known = self.refusals.get(path.name)
        if known is None or known.error.detail != error.detail:
            self._context.activity.note(ActivityKind.PROBLEM, path.name, error.detail)
        self.refusals[path.name] = RefusedEntry(path.name, error, self._context.now())
        self._context.changed.notify()

    def forget(self, entry: str) -> None:
        """Stop showing what could not be shared."""
        if self.refusals.pop(entry, None):
            self._context.changed.notify()

    def is_ready(self, listed: Collection[str]) -> bool:
        """Look for our marker; make it where nothing was shared from yet, or something that was is still there.

        A folder without marker and without any of its entries may be the empty place where a disk is mounted.
        """
        known = self._entries()
        if MARKER in listed or (known and known.isdisjoint(listed)):
            return MARKER in listed
        write_marker(self.path)
        return True

    async def listed(self, entries: Collection[str]) -> None:
        """Withdraw what was deleted while nobody watched."""
        async with self.entry_lock:
            await self._commands.withdraw_missing(self.path, entries)

    def _entries(self) -> set[str]:
        shares = list(self._admission.shares.values())
        return {Path(share.path).name for share in shares if share.folder == self.folder.path}
