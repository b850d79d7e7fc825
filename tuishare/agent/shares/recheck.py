"""Recheck: payloads are compared with their hashes, after hidden writes and after reports of false data.

Owns these comparisons: which requests and reports count, how often a payload is read because of them, and the problem
that is shown. A page of a mapped file may be written long after the file's time was set (mmap(2)), and some file
systems keep no time of the last change. Must not hash nor seal: a payload that has changed settles again, and
`tuishare.agent.shares.queue` has it hashed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.agent.events import ChangeSignal, EntryOutdated, EventBus
from tuishare.agent.folders.fingerprint import tree_fingerprint, walk_payload
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.core.activity import ActivityKind
from tuishare.core.clock import Clock
from tuishare.core.problems import Problem
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.errors import TuishareError
from tuishare.torrents import Changed, is_payload_of
from tuishare.tracker import PeerAnnounced

_SHARE_OF_TIME: Final = 20
"""A share is read again only after this many times the time that reading took, so that it costs 5 % at most."""
PAUSE_SECONDS: Final = 600.0
"""Seconds between two comparisons because of reports: a recipient may report anything."""
_log = logging.getLogger(__name__)
_DAY: Final = 86_400


class Rechecker:
    """Compares shares with their hashes, one at a time."""

    def __init__(self, repository: ShareRepository, queue: ShareQueue, events: EventBus) -> None:
        self._repository = repository
        self._queue = queue
        self._events = events
        self._due: dict[str, float] = {}
        self._rests: dict[str, float] = {}
        self._woken = asyncio.Event()

    def request(self, path: Path) -> None:
        """Have a seeded share compared soon; one that waits for that already is compared once."""
        share = self._repository.find(path)
        if share is not None and share.step is ShareStep.SEEDING:
            self._due.setdefault(share.id, self._rests.get(share.id, 0.0))
            self._woken.set()

    async def run(self) -> None:
        """Compare what was requested, until cancelled."""
        ended = threading.Event()
        try:
            while True:
                self._woken.clear()
                for share_id in [known for known, due in self._due.items() if due <= time.monotonic()]:
                    del self._due[share_id]
                    if (share := self._repository.shares.get(share_id)) and share.step is ShareStep.SEEDING:
                        await self._check(share, ended)
                await self._sleep()
        finally:
            ended.set()  # an agent that stops must not wait for hours of reading

    async def _sleep(self) -> None:
        pause = min(self._due.values()) - time.monotonic() if self._due else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause if pause is None else max(0.0, pause)):
                await self._woken.wait()

    async def _check(self, share: ShareRecord, ended: threading.Event) -> None:
        started = time.monotonic()
        try:
            same = await asyncio.to_thread(is_whole, share, ended)
        except Changed:
            same = True
            self._events.publish(EntryOutdated(Path(share.path)))
        except TuishareError as error:
            same = True  # it cannot be read, which the scan of its folder shows
            _log.info("Cannot read %r again: %s", share.name, error.detail)
        now = time.monotonic()
        self._rests[share.id] = now + _SHARE_OF_TIME * (now - started)
        if not same and await self._queue.settle_again(share):
            _log.info("%r has changed, although its times have not", share.name)


def is_whole(share: ShareRecord, ended: threading.Event) -> bool:
    """Return whether the payload of a share fits its hashes. Blocking, until it is read or `ended` is set.

    Raises:
        Changed: its fingerprint differs, so it has to settle in any case.
        TuishareError: it cannot be read.
    """
    tree = walk_payload(Path(share.path), share.folder)
    if tree_fingerprint(tree) != share.fingerprint:
        raise Changed(f"{share.name} has changed since it was hashed")
    return is_payload_of(share.torrent, tree, cancelled=ended.is_set)


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

    def __init__(
        self,
        repository: ShareRepository,
        queue: ShareQueue,
        *,
        activity: ActivityLog,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._activity = activity
        self._changed = changed
        self._clock = clock
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
            self._rests[share.id] = share.info_hash, now + max(PAUSE_SECONDS, _SHARE_OF_TIME * (now - began))
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
        found = CorruptionFinding(share.info_hash, reporters, is_whole, self._clock.now())
        self._findings[share.id] = found
        detail, _ = describe(share.name, found)
        _log.warning("False data of %r was reported; the payload is whole: %s", share.name, is_whole)
        if not again:
            self._activity.note(ActivityKind.PROBLEM, share.name, detail)
        self._changed.notify()

    def _rests_now(self, share: ShareRecord) -> bool:
        info_hash, until = self._rests.get(share.id, ("", 0.0))
        return info_hash == share.info_hash and time.monotonic() < until

    def _lasts(self, share_id: str, found: CorruptionFinding) -> bool:
        share = self._repository.shares.get(share_id)
        if share is None or share.step.has_ended:
            return False
        rows = self._repository.deliveries.of(share_id)
        lack = any(row.user in found.users and not row.completed and not row.revoked for row in rows)
        return lack and self._clock.now() - found.at < _DAY


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
