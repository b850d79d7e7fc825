"""The inbox: envelopes that arrive are opened, judged, and downloaded, kept or turned away.

Owns what happens to the envelope's file. Whatever is turned away is kept with its reason beside it; nothing is
fetched because of an envelope whose signer is not trusted (threats T1, T2).
"""

from __future__ import annotations

import asyncio
import logging
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from tuishare.agent.context import Context
from tuishare.agent.following import FolderFollowing, Look
from tuishare.agent.publishing import ENVELOPE_SUFFIX
from tuishare.agent.receiving import Receiver
from tuishare.agent.reception import Received, Trust, receive
from tuishare.agent.watcher import Hint
from tuishare.envelope import MAX_SIZE, NotForUs
from tuishare.errors import Refused, TuishareError, from_os_error
from tuishare.paths import free_name, move_into_place, publish, read_limited

REJECTED = "rejected"
REASON_SUFFIX = ".reason.txt"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Locked:
    """An envelope that none of our keys opens; kept, because a key may come later.

    Attributes:
        size: of the file in bytes.
        since: Unix seconds.
    """

    name: str
    signature: str
    size: int
    since: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """An envelope that was turned away, and why.

    Attributes:
        name: of the file in ``inbox/rejected``.
        at: Unix seconds.
    """

    name: str
    error: TuishareError
    at: int


class Inbox:
    """The inbox folder; implements `tuishare.agent.following.Follower`.

    Attributes:
        locked: by name of the file.
        rejected: since the agent started, oldest first.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.config.folders.inbox_path
        self.receiver = Receiver(context)
        self.following: FolderFollowing[int] = FolderFollowing(self._folder, context.config.settle, self)
        self.locked: dict[str, Locked] = {}
        self.rejected: list[Rejected] = []

    def take_hint(self, hint: Hint) -> None:
        """Take an event, if it is of the inbox."""
        if hint.folder == self._folder:
            self.following.take_hint(hint)

    def wants(self, entry: str) -> bool:
        """Only envelopes; people keep other things beside them."""
        return entry.endswith(ENVELOPE_SUFFIX) and not entry.startswith(".")

    def look(self, path: Path) -> Look[int]:
        """Look at the entry itself, never through a link."""
        try:
            status = path.lstat()
        except OSError as error:
            raise from_os_error(error, f"look at {path}") from error
        signature = f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {stat.S_IFMT(status.st_mode)}"
        return Look(signature, status.st_size, status.st_size)

    def known(self, path: Path, signature: str) -> bool:
        """Whether it waits here for a key, for approval, or for its download to end."""
        locked = self.locked.get(path.name)
        if locked is not None:
            return locked.signature == signature
        return self.receiver.find_envelope(path.name) is not None

    async def settled(self, path: Path, look: Look[int]) -> None:
        """Judge an envelope that is complete."""
        self.locked.pop(path.name, None)
        try:
            await self._take(path)
        except NotForUs:
            _log.info("No key of ours opens %r", path.name)
            self.locked[path.name] = Locked(path.name, look.signature, look.size, self._context.now())
        except TuishareError as error:
            await self._reject(path, error)
        self._context.changed.notify()

    async def refused(self, path: Path, error: TuishareError) -> None:
        """Turn away what cannot even be looked at."""
        await self._reject(path, error)

    async def _take(self, path: Path) -> None:
        received = await asyncio.to_thread(self._open, path)
        match received.trust:
            case Trust.VERIFIED:
                await self.receiver.admit(received, path.name)
            case Trust.UNVERIFIED:
                await self.receiver.hold(
                    received,
                    path.name,
                    f"{received.sender} is not verified yet",
                    "Compare fingerprints, then `tuishare user verify`.",
                )
            case Trust.KEY_ONLY:
                await self.receiver.hold(
                    received,
                    path.name,
                    "It was sealed with a key of yours, but signed by nobody you know",
                    "Ask the sender for a card and add it.",
                )
            case Trust.UNKNOWN:
                raise Refused(
                    "It was signed by nobody you know", hint="Ask the sender for a card and add it."
                )
            case Trust.OURSELVES:
                raise Refused(
                    "It is a share of your own", hint="Recipients put it into their inbox, not you."
                )
            case _ as never:
                assert_never(never)

    def _open(self, path: Path) -> Received:
        data = read_limited(path, MAX_SIZE)
        return receive(data, self._context.identity, self._context.book(), now=self._context.clock())

    async def _reject(self, path: Path, error: TuishareError) -> None:
        """Move the file away with its reason; the reason comes first, so a crash leaves no riddle."""
        _log.warning("Rejected %r: %s", path.name, error.detail)
        try:
            moved = await asyncio.to_thread(self._move_away, path, error)
        except (TuishareError, OSError) as problem:
            _log.error("Cannot move %r away: %s", path.name, problem)
            return
        self.rejected.append(Rejected(moved.name, error, self._context.now()))
        self._context.changed.notify()

    def _move_away(self, path: Path, error: TuishareError) -> Path:
        folder = self._folder / REJECTED
        folder.mkdir(exist_ok=True)
        target = free_name(folder, path.name)
        reason = f"{error.title}: {error.detail}\n{error.hint}\n".rstrip() + "\n"
        publish(target.with_name(target.name + REASON_SUFFIX), reason.encode())
        move_into_place(path, target)
        return target
