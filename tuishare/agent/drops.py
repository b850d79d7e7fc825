"""The drop folders: settled entries become shares, and shares end with their entries.

Owns which entries count and how they are looked at. Must not know what becomes of them: `tuishare.agent.publishing`
and `tuishare.agent.keeping` do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.following import FolderFollowing, Follower, Look
from tuishare.agent.ignoring import DEFAULTS, IGNORE_FILE, read_ignoring
from tuishare.agent.keeping import Keeper
from tuishare.agent.payload import sign_tree, walk_payload
from tuishare.agent.publishing import Audience, Publisher
from tuishare.agent.shelf import Shelf
from tuishare.agent.watcher import Hint
from tuishare.api.orders import NewShare
from tuishare.config import DropFolder
from tuishare.errors import BadInput, Refused, TuishareError
from tuishare.torrents import Tree

MARKER: Final = ".tuishare-folder"
"""An empty file that tells a drop folder from the empty place where its disk is not mounted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that cannot be shared as it is; `at` in Unix seconds."""

    name: str
    error: TuishareError
    at: int


class Drops:
    """All drop folders of the configuration."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.shelf = Shelf(context)
        self.publisher = Publisher(context, self.shelf, self._look_again)
        self.keeper = Keeper(context, self.shelf, self.publisher)
        self.followers = [self._follower(folder) for folder in context.config.drop]
        self.followings = {
            Path(follower.folder.path): FolderFollowing(
                Path(follower.folder.path), context.config.settle, follower
            )
            for follower in self.followers
        }

    def take_hint(self, hint: Hint) -> None:
        """Take an event, if it is of a drop folder."""
        if following := self.followings.get(hint.folder):
            following.take_hint(hint)
            if hint.entry == IGNORE_FILE:
                following.scan_soon()
            self._context.changed.notify()

    async def share(self, new: NewShare) -> str:
        """Share a file or folder that lies elsewhere.

        Returns:
            The id of the share.

        Raises:
            TuishareError: it cannot be shared, or not for these recipients.
        """
        path = Path(new.path)
        if not path.is_absolute():
            raise BadInput("The path to share is not absolute", hint="Write it from / on.")
        if path.parent in self.followings:
            raise Refused("This lies in a drop folder already", hint="Its drop folder says whom it is for.")
        self._context.book().resolve(new.recipients)
        tree = await asyncio.to_thread(walk_payload, path)
        audience = Audience(new.recipients, new.transport, note=new.note, not_after=new.not_after)
        return await self.publisher.accept(tree, audience)

    def _follower(self, folder: DropFolder) -> DropFollower:
        return DropFollower(folder, self.publisher, self.keeper, self._context)

    def _look_again(self, path: Path) -> None:
        if following := self.followings.get(path.parent):
            following.look_again(path.name)


class DropFollower(Follower[Tree]):
    """What one drop folder's entries are for.

    Attributes:
        refusals: what cannot be shared as it is, by name.
    """

    def __init__(self, folder: DropFolder, publisher: Publisher, keeper: Keeper, context: Context) -> None:
        self.folder = folder
        self.refusals: dict[str, Refusal] = {}
        self._path = Path(folder.path)
        self._publisher = publisher
        self._keeper = keeper
        self._context = context

    def wants(self, entry: str) -> bool:
        """Everything but what we put there ourselves, the list of what to leave out, and what stands on it."""
        try:
            ignoring = read_ignoring(self._path)
        except TuishareError:
            ignoring = DEFAULTS  # the look fails for the same reason, which shows and keeps everything back
        ours = entry in {IGNORE_FILE, MARKER}
        return not ours and not ignoring((entry,), is_folder=(self._path / entry).is_dir())

    def look(self, path: Path) -> Look[Tree]:
        """Walk the entry."""
        tree = walk_payload(path, self.folder.path)
        return Look(sign_tree(tree), tree.total_size, tree)

    def known(self, path: Path, signature: str) -> bool:
        """Whether it is a share in this form already."""
        return self._publisher.knows(path, signature)

    async def changing(self, path: Path, look: Look[Tree]) -> None:
        """Serve no longer what is not what it was."""
        await self._publisher.stop_serving(path, look.signature)

    async def settled(self, path: Path, look: Look[Tree]) -> None:
        """Hand it on."""
        del path
        audience = Audience(tuple(self.folder.users), self.folder.transport, self.folder.path)
        await self._publisher.accept(look.payload, audience)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Show what cannot be shared, and why."""
        self.refusals[path.name] = Refusal(path.name, error, self._context.now())
        self._context.changed.notify()

    def forget(self, entry: str) -> None:
        """Stop showing what could not be shared."""
        if self.refusals.pop(entry, None):
            self._context.changed.notify()

    async def gone(self, path: Path) -> None:
        """Withdraw what was deleted."""
        await self._keeper.withdraw(path)

    def is_ready(self, listed: Collection[str]) -> bool:
        """Look for our marker; make it where nothing was shared from yet, or something that was is still there.

        A folder without marker and without any of its entries may be the empty place where a disk is mounted.
        """
        known = self._entries()
        if MARKER in listed or (known and known.isdisjoint(listed)):
            return MARKER in listed
        with contextlib.suppress(OSError):
            (self._path / MARKER).touch()
        return True

    async def listed(self, entries: Collection[str]) -> None:
        """Withdraw what was deleted while nobody watched."""
        await self._keeper.withdraw_missing(self._path, entries)

    def moved(self) -> None:
        """Show that the folder came or went."""
        self._context.changed.notify()

    def _entries(self) -> set[str]:
        shares = list(self._publisher.shares.values())
        return {Path(share.path).name for share in shares if share.folder == self.folder.path}
