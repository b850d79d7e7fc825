"""Reports of false data by recipients: the payload of the share is compared with its hashes.

Owns which reports count, how often a payload is read because of them, and the problem that is shown. Must not hash nor
seal: `tuishare.agent.shares.queue` has a payload settle again that is no longer what was hashed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.recheck import is_whole
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.activity import ActivityKind
from tuishare.core.problems import Problem
from tuishare.core.records import ShareRecord
from tuishare.errors import TuishareError
from tuishare.torrents import Changed
from tuishare.tracker import PeerAnnounced

PAUSE_SECONDS: Final = 600.0
"""Seconds between two comparisons of a share that was found whole: a recipient may report anything."""
_REST: Final = 20
"""The same as a multiple of the time that the last one took: reports cost a twentieth of the time at most."""
_DAY: Final = 86_400
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CorruptionFinding:
    """The result of a comparison.

    Attributes:
        info_hash: of the share then.
        users: the recipients who reported false data.
        is_whole: whether the payload is what was hashed.
        at: Unix seconds.
    """

    info_hash: str
    users: frozenset[str]
    is_whole: bool
    at: int


class CorruptionReports:
    """The reports of all shares."""

    def __init__(self, context: Context, repository: ShareRepository, queue: ShareQueue) -> None:
        self._context = context
        self._repository = repository
        self._queue = queue
        self._corrupt: dict[tuple[str, str], int] = {}
        self._reported: dict[str, set[str]] = {}
        self._findings: dict[str, CorruptionFinding] = {}
        self._rests: dict[str, tuple[str, float]] = {}
        self._woken = asyncio.Event()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problem to be shown: for a day at most, while a user who reported false data lacks data."""
        lasting = [(share, found) for share, found in self._findings.items() if self._lasts(share, found)]
        if not lasting:
            return ()
        share_id, found = lasting[-1]
        detail, hint = describe(self._repository.get(share_id).name, found)
        if others := len(lasting) - 1:
            detail += f"; the same holds for {others:,} other {'share' if others == 1 else 'shares'}"
        return (Problem(id="false-data", title="False data", detail=detail, hint=hint, since=found.at),)

    def take(self, announced: PeerAnnounced, share: ShareRecord) -> None:
        """Record how much data a recipient received that did not fit; return at once."""
        place = share.id, announced.user
        before = self._corrupt.pop(place, 0)
        if announced.corrupt:
            self._corrupt[place] = announced.corrupt
        if announced.corrupt > before:  # a client that restarts counts from 0
            self._reported.setdefault(share.id, set()).add(announced.user)
            self._woken.set()

    async def run(self) -> None:
        """Compare the reported shares, one at a time, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._reported:
                share_id, users = self._reported.popitem()
                share = self._repository.shares.get(share_id)
                if share is not None and self._repository.is_seeding(share) and not self._rests_now(share):
                    await self._recheck(share, users)

    async def _recheck(self, share: ShareRecord, users: Iterable[str]) -> None:
        began = time.monotonic()
        try:
            whole = await self._is_whole(share)
        except TuishareError as error:
            await self._queue.record_problem(share.info_hash, error.detail)
            return
        now = time.monotonic()
        if whole:
            self._rests[share.id] = share.info_hash, now + max(PAUSE_SECONDS, _REST * (now - began))
        elif not await self._queue.settle_again(share):
            return  # it has changed meanwhile
        self._note(share, users, is_whole=whole)

    async def _is_whole(self, share: ShareRecord) -> bool:
        ended = threading.Event()
        try:
            return await asyncio.to_thread(is_whole, share, ended)
        except Changed:
            return False
        finally:
            ended.set()  # an agent that stops must not wait for hours of reading

    def _note(self, share: ShareRecord, users: Iterable[str], *, is_whole: bool) -> None:
        known = self._findings.pop(share.id, None)
        again = known is not None and (known.info_hash, known.is_whole) == (share.info_hash, is_whole)
        reporters = frozenset(users) | (known.users if known and again else frozenset())
        found = CorruptionFinding(share.info_hash, reporters, is_whole, self._context.now())
        self._findings[share.id] = found
        detail, _ = describe(share.name, found)
        _log.warning("False data of %r was reported; the payload is whole: %s", share.name, is_whole)
        if not again:
            self._context.activity.note(ActivityKind.PROBLEM, share.name, detail)
        self._context.changed.notify()

    def _rests_now(self, share: ShareRecord) -> bool:
        info_hash, until = self._rests.get(share.id, ("", 0.0))
        return info_hash == share.info_hash and time.monotonic() < until

    def _lasts(self, share_id: str, found: CorruptionFinding) -> bool:
        share = self._repository.shares.get(share_id)
        if share is None or share.step.has_ended:
            return False
        rows = self._repository.deliveries.of(share_id)
        lack = any(row.user in found.users and not row.completed and not row.revoked for row in rows)
        return lack and self._context.now() - found.at < _DAY


def describe(name: str, found: CorruptionFinding) -> tuple[str, str]:
    """Return what was found, and what to do about it."""
    who = ", ".join(sorted(found.users))
    report = f"{who} received data of “{name}” that does not fit its hashes"
    if found.is_whole:
        return (
            f"{report}; the payload here is whole and still seeded",
            "It comes from another recipient, whose disk may be bad. The download is retried automatically.",
        )
    return (
        f"{report}: the payload here is no longer what was shared, and is shared again",
        "Send the new encrypted torrent. If no program has changed the payload, its disk may be bad.",
    )
