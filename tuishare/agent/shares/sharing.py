"""All that is shared: the parts that do it, and the folders that are followed for them.

Owns which folders are followed: the drop folders of the settings, and those in which standalone shares lie. Must not
decide what becomes of an entry: `tuishare.agent.shares.admission` and `tuishare.agent.shares.commands` do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tuishare.agent.folders.fingerprint import walk_payload
from tuishare.agent.folders.folder_monitor import FolderMonitor
from tuishare.agent.folders.watcher import Watcher
from tuishare.agent.live import UserBookFile
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.entry_handlers import (
    DropFolderHandler,
    EntryHandler,
    HandlerNeeds,
    StandaloneHandler,
    find_folders,
)
from tuishare.agent.shares.pipeline import ShareSealer
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.recheck import CorruptionReports, Rechecker
from tuishare.agent.shares.reconcile import Reissuer, SettingsReconciler
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.config.model import DropFolder
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.share_sealing import SealedShare
from tuishare.errors import BadInput, Refused
from tuishare.home_paths import Places
from tuishare.swarm import Engine
from tuishare.torrents import Tree
from tuishare.tracker import PeerAnnounced

_DROPPED: Final = "Its recipients are set by its drop folder."
_FORGOTTEN: Final = "You removed it; to share it again, `touch` it, or any file in it if it is a folder."

_Tasks: TypeAlias = dict[EntryHandler, tuple[FolderMonitor[Tree], asyncio.Task[None]]]


@dataclass(frozen=True, slots=True)
class ShareParts:
    """The parts of the room, made by `tuishare.agent.startup`."""

    repository: ShareRepository
    queue: ShareQueue
    admission: ShareAdmission
    commands: ShareCommands
    rechecker: Rechecker
    corruption_reports: CorruptionReports
    reissuer: Reissuer
    reconciler: SettingsReconciler
    sealer: ShareSealer


class Sharing:
    """The shares of one agent. Drop folders may come and go while it runs.

    Attributes:
        repository: the records.
        queue: what runs when.
        admission: what becomes of entries.
        commands: what users order.
        rechecker: compares payloads with their hashes after hidden writes.
        reissuer: seals again what needs new tickets.
        corruption_reports: what recipients report about the data.
        drop_folders: one handler for each drop folder of the settings.
        monitors: of all folders that are followed, by path.
    """

    def __init__(
        self,
        parts: ShareParts,
        needs: HandlerNeeds,
        *,
        users: UserBookFile,
        places: Places,
        engine: Engine,
    ) -> None:
        self._needs = needs
        self._users = users
        self._places = places
        self._engine = engine
        self.repository = parts.repository
        self.queue = parts.queue
        self.admission = parts.admission
        self.commands = parts.commands
        self.rechecker = parts.rechecker
        self.corruption_reports = parts.corruption_reports
        self.reissuer = parts.reissuer
        self._reconciler = parts.reconciler
        self._sealer = parts.sealer
        self._settings = needs.settings
        self._altered = asyncio.Event()
        self.drop_folders: list[DropFolderHandler] = []
        self._standalone: list[StandaloneHandler] = []
        self.monitors: dict[Path, FolderMonitor[Tree]] = {}
        self.take_settings()

    async def load(self) -> None:
        """Continue what the last run left."""
        await self.queue.load()
        await self.commands.finish()
        self.take_shares()

    async def seal(self, share: ShareRecord) -> SealedShare:
        """Seal a share for its recipients with the addresses of the moment; nothing is published or recorded."""
        sealed, _ = await self._sealer.seal(share, self.repository.deliveries)
        return sealed

    def on_announce(self, announced: PeerAnnounced) -> None:
        """Record how far a recipient is, and what they report about the data."""
        if share := self.repository.shares.get(announced.share):
            self.repository.deliveries.record_announce(announced, share)
            self.corruption_reports.take(announced, share)

    def take_settings(self) -> None:
        """Follow the drop folders that the settings name now; `run` does the rest."""
        known = {handler.folder.path: handler for handler in self.drop_folders}
        self.drop_folders = [
            known.get(folder.path) or self._handler(folder) for folder in self._settings.current.drop
        ]
        for handler, folder in zip(self.drop_folders, self._settings.current.drop, strict=True):
            handler.folder = folder
        self.take_shares()

    def take_shares(self) -> None:
        """Follow the folders of standalone shares, too; `run` does the rest."""
        dropped = {handler.path for handler in self.drop_folders}
        known = {handler.path: handler for handler in self._standalone}
        self._standalone = [
            known.get(folder) or StandaloneHandler(folder, self._needs)
            for folder in find_folders(self.repository.shares.values()) - dropped
        ]
        monitors = {monitor.handler: monitor for monitor in self.monitors.values()}
        self.monitors = {
            handler.path: monitors.get(handler) or self._monitor(handler)
            for handler in (*self.drop_folders, *self._standalone)
        }
        self._altered.set()

    async def run(self, watcher: Watcher) -> None:
        """Follow the folders until cancelled, as they come and go; what fails in one of them fails here."""
        tasks: _Tasks = {}
        try:
            while True:
                self._altered.clear()
                await self._adjust(tasks, watcher)
                await self._reconciler.reconcile()
                await self._until_altered(task for _, task in tasks.values())
        finally:
            for _, task in tasks.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in tasks.values()), return_exceptions=True)

    async def _adjust(self, tasks: _Tasks, watcher: Watcher) -> None:
        wanted = (*self.drop_folders, *self._standalone)
        for handler in set(tasks).difference(wanted):
            async with handler.entry_lock:  # never between a record and what follows from it
                monitor, task = tasks.pop(handler)
                task.cancel()
            await asyncio.wait({task})
            await monitor.unwatch(watcher)
        for handler in wanted:
            if handler not in tasks:
                monitor = self.monitors[handler.path]
                tasks[handler] = monitor, asyncio.create_task(monitor.run(watcher))

    async def _until_altered(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        altered = asyncio.create_task(self._altered.wait())
        try:
            ended, _ = await asyncio.wait({altered, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            altered.cancel()
        for task in ended:
            task.result()

    def scan_soon(self) -> None:
        """Scan all folders at once: what was refused may be accepted now."""
        for monitor in self.monitors.values():
            monitor.scan_soon()

    async def share(self, path: Path, target: ShareTarget) -> str:
        """Share a file or folder outside the drop folders; a known one may get more recipients.

        Args:
            path: absolute.
            target: users and ``@group``s as named, and how; an empty note and a `not_after` of 0 leave those of a
                known share as they are.

        Returns:
            The id of the share.

        Raises:
            Refused: a user who has a ticket would lose it.
            TuishareError: it cannot be shared, or not with these recipients.
        """
        if not path.is_absolute():
            raise BadInput("The path to share is not absolute", hint="Use an absolute path.")
        if target.transport not in self._engine.transports:
            raise Refused(
                f"This agent has no {target.transport} swarms",
                hint="Set network.listen_plain and restart the agent, or share it with --transport tls.",
            )
        await asyncio.to_thread(self._require_shareable, path)
        users = (await asyncio.to_thread(self._users.read)).resolve(target.users)
        tree = await asyncio.to_thread(walk_payload, path)
        share = await self.admission.share(tree, target, users)
        self.take_shares()
        return share

    def _require_shareable(self, path: Path) -> None:
        """Refuse a path that its drop folder shares already, and tuishare's own folders."""
        if path.parent in {handler.path for handler in self.drop_folders}:
            known = self.repository.find(path)
            forgotten = known is not None and known.step is ShareStep.FORGOTTEN
            raise Refused("This is in a drop folder already", hint=_FORGOTTEN if forgotten else _DROPPED)
        places, folders = self._places, self._settings.current.folders
        wanted = path.resolve()
        for folder in (places.config, places.state, folders.inbox_path, folders.outbox_path):
            own = folder.resolve()
            if own == wanted or own in wanted.parents or wanted in own.parents:
                raise Refused(
                    f"{path} overlaps {folder}, which tuishare uses itself",
                    hint="It may hold keys or envelopes; copy what you want to share elsewhere.",
                )

    def _handler(self, folder: DropFolder) -> DropFolderHandler:
        return DropFolderHandler(folder, self._needs)

    def _monitor(self, handler: EntryHandler) -> FolderMonitor[Tree]:
        # One shared file is no reason to watch all of a large folder.
        recursive = isinstance(handler, DropFolderHandler)
        return FolderMonitor(handler.path, self._settings.current.settle, handler, recursive=recursive)

    def rescan(self, path: Path) -> None:
        """Observe an entry again, if its folder is monitored."""
        if monitor := self.monitors.get(path.parent):
            monitor.rescan(path.name)
