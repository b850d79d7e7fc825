"""The drop folders: settled entries become shares.

Owns which entries count and how they are looked at. Must not know what becomes of them: `tuishare.agent.publishing`
does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tuishare.agent.context import Context
from tuishare.agent.following import FolderFollowing, Look
from tuishare.agent.ignoring import DEFAULTS, IGNORE_FILE, read_ignoring
from tuishare.agent.payload import sign_tree, walk_payload
from tuishare.agent.publishing import Publisher
from tuishare.agent.watcher import Hint
from tuishare.config import DropFolder
from tuishare.errors import TuishareError
from tuishare.torrents import Tree


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
        self.publisher = Publisher(context, self._look_again)
        self.followers = [DropFollower(folder, self.publisher, context) for folder in context.config.drop]
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

    def _look_again(self, path: Path) -> None:
        if following := self.followings.get(path.parent):
            following.look_again(path.name)


class DropFollower:
    """What one drop folder's entries are for; implements `tuishare.agent.following.Follower`.

    Attributes:
        refusals: what cannot be shared as it is, by name.
    """

    def __init__(self, folder: DropFolder, publisher: Publisher, context: Context) -> None:
        self.folder = folder
        self.refusals: dict[str, Refusal] = {}
        self._publisher = publisher
        self._context = context

    def wants(self, entry: str) -> bool:
        """Everything but the list of what to leave out, and what stands on it."""
        folder = Path(self.folder.path)
        try:
            ignoring = read_ignoring(folder)
        except TuishareError:
            ignoring = DEFAULTS  # the look fails for the same reason, which shows and keeps everything back
        return entry != IGNORE_FILE and not ignoring((entry,), is_folder=(folder / entry).is_dir())

    def look(self, path: Path) -> Look[Tree]:
        """Walk the entry."""
        tree = walk_payload(path, self.folder.path)
        return Look(sign_tree(tree), tree.total_size, tree)

    def known(self, path: Path, signature: str) -> bool:
        """Whether it is a share in this form already."""
        return self._publisher.knows(path, signature)

    async def settled(self, _path: Path, look: Look[Tree]) -> None:
        """Hand it on."""
        await self._publisher.accept(look.payload, self.folder)

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Show what cannot be shared, and why."""
        self.refusals[path.name] = Refusal(path.name, error, self._context.now())
        self._context.changed.notify()

    def forget(self, entry: str) -> None:
        """Stop showing what could not be shared."""
        if self.refusals.pop(entry, None):
            self._context.changed.notify()

    def moved(self) -> None:
        """Show that the folder came or went."""
        self._context.changed.notify()
