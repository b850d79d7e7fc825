"""Rejected envelopes: kept in ``inbox/rejected`` with the reason beside each, as many as the settings allow.

Owns the files in that folder, and which of them are shown. Must not decide what is rejected.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.agent.live import Live
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.config.model import Config
from tuishare.config.units import parse_size
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.errors import TuishareError
from tuishare.fs.atomic import choose_place, move_into_place, publish

REJECTED: Final = "rejected"
REASON_SUFFIX: Final = ".reason.txt"
REMEMBERED: Final = 100
"""Rejected envelopes that are shown; any program may put files into an inbox."""
_REMOVED: Final = "removed from inbox/rejected, which is full"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RejectedEnvelope:
    """A rejected envelope.

    Attributes:
        name: of the file in ``inbox/rejected``.
        error: why.
        at: Unix seconds.
    """

    name: str
    error: TuishareError
    at: int


class RejectedEnvelopes:
    """The rejected envelopes of one inbox.

    Attributes:
        shown: the last ones since the agent started, oldest first, without those that were dismissed.
    """

    def __init__(self, inbox: Path, settings: Live[Config], activity: ActivityLog, clock: Clock) -> None:
        self.shown: deque[RejectedEnvelope] = deque(maxlen=REMEMBERED)
        self._folder = inbox / REJECTED
        self._settings = settings
        self._activity = activity
        self._clock = clock

    async def reject(self, path: Path, error: TuishareError) -> bool:
        """Move a file to ``inbox/rejected`` with the reason, and show it; return False if it cannot be moved."""
        _log.warning("Rejected %r: %s", path.name, error.detail)
        try:
            moved = await asyncio.to_thread(put_away, path, error)
        except (TuishareError, OSError) as problem:
            _log.error("Cannot move %r away: %s", path.name, problem)
            return False
        self._activity.note(ActivityKind.REJECTED, path.name, error.detail)
        # Its traceback would keep what was opened, up to 32 MiB, for as long as the rejection is shown.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        self.shown.append(RejectedEnvelope(moved.name, error, self._clock.now()))
        await self._prune()
        return True

    def dismiss(self, rejected: Collection[RejectedEnvelope]) -> None:
        """Stop showing envelopes; their files stay."""
        for each in rejected:
            self.shown.remove(each)

    async def _prune(self) -> None:
        rules = self._settings.current.inbox
        try:
            removed = await asyncio.to_thread(
                prune, self._folder, rules.rejected, parse_size(rules.rejected_size)
            )
        except OSError as error:
            _log.warning("Cannot remove the oldest files from %s: %s", self._folder, error.strerror)
            return
        if removed:
            others = f", with {len(removed) - 1:,} others" if len(removed) > 1 else ""
            _log.info("Removed %r from %s%s: too much is kept there", removed[0], self._folder, others)
            self._activity.note(ActivityKind.REJECTED, removed[0], f"{_REMOVED}{others}")
        for rejected in [one for one in self.shown if one.name in removed]:
            self.shown.remove(rejected)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A rejected file with its reason: when the reason was written, and the bytes of both."""

    note: Path
    envelope: Path
    at: int
    size: int


def put_away(path: Path, error: TuishareError) -> Path:
    """Move a file into the folder ``rejected`` beside it, blocking; its reason is written first, in case of a crash.

    Returns:
        Its new path.

    Raises:
        OSError, TuishareError: the file system refused, or the file is gone.
    """
    folder = path.parent / REJECTED
    folder.mkdir(exist_ok=True)
    target = choose_place(path, folder)
    reason = f"{error.title}: {error.detail}\n{error.hint}\n".rstrip() + "\n"
    note = target.with_name(target.name + REASON_SUFFIX)
    publish(note, reason.encode(), secret=False)
    try:
        move_into_place(path, target)
    except BaseException:
        note.unlink(missing_ok=True)
        raise
    return target


def prune(folder: Path, number: int, size: int) -> list[str]:
    """Remove the oldest files with their reasons until the rest is within bounds, blocking; the newest always stays.

    Files without a reason were put there by the user and are left alone, and so are folders.

    Args:
        folder: ``inbox/rejected``.
        number: how many may stay; 0: all.
        size: bytes that may stay; 0: no bound.

    Returns:
        The names of what was removed.

    Raises:
        OSError: the file system refused.
    """
    kept = sorted(_list(folder), key=lambda each: each.at)
    count, total = len(kept), sum(each.size for each in kept)
    removed: list[str] = []
    for oldest in kept[:-1]:
        if (not number or count <= number) and (not size or total <= size):
            break
        oldest.envelope.unlink(missing_ok=True)
        oldest.note.unlink(missing_ok=True)
        removed.append(oldest.envelope.name)
        count, total = count - 1, total - oldest.size
    return removed


def _list(folder: Path) -> list[_Kept]:
    found = []
    for name in os.listdir(folder):
        if not name.endswith(REASON_SUFFIX):
            continue
        note, envelope = folder / name, folder / name.removesuffix(REASON_SUFFIX)
        if envelope.is_dir() and not envelope.is_symlink():
            continue
        with contextlib.suppress(FileNotFoundError):
            status = note.stat(follow_symlinks=False)
            size = envelope.lstat().st_size if os.path.lexists(envelope) else 0
            found.append(_Kept(note, envelope, status.st_mtime_ns, status.st_size + size))
    return found
