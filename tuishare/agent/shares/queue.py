"""What runs when: the shares that have work to do, one hashed at a time, several sealed or seeded.

Owns the loops, and how the work on a share is halted and continued; `tuishare.agent.shares.pipeline` does the steps.
Must not decide what becomes of an entry: that is `tuishare.agent.shares.admission`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from tuishare.agent.error_isolation import explain, isolate_errors
from tuishare.agent.events import ChangeSignal, EntryOutdated, EventBus
from tuishare.agent.shares.pipeline import Hashing, SharePipeline
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import after_payload_change, reissue
from tuishare.core.clock import Clock
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.sqlite_errors import DamagedDatabase
from tuishare.errors import SystemFailed
from tuishare.sanitize import for_display

_SEEDERS: Final = 8
"""Shares that are sealed or join their swarms at the same time; most of it is waiting for disk and libtorrent."""
_log = logging.getLogger(__name__)


class ShareQueue:
    """Brings shares into their swarms. One is hashed at a time, because hashing uses all cores.

    A share has one writer: while it is being worked on, its entry has to settle again when it changes, and a command
    ends that work first (`halt`). Every step is recorded before its side effect, so work that was ended continues
    where it was, as after a crash.

    Attributes:
        pipeline: does the steps.
    """

    def __init__(
        self,
        repository: ShareRepository,
        pipeline: SharePipeline,
        *,
        events: EventBus,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self.pipeline = pipeline
        self._events = events
        self._changed = changed
        self._clock = clock
        self._to_hash: asyncio.Queue[str] = asyncio.Queue()
        self._to_seed: asyncio.Queue[str] = asyncio.Queue()
        self._at_work: dict[str, asyncio.Task[bool]] = {}
        self._outdated: set[str] = set()

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first."""
        return self._repository.shares

    @property
    def hashing(self) -> Mapping[str, Hashing]:
        """How much of a share is hashed, by its id."""
        return self.pipeline.hashing

    async def load(self) -> None:
        """Continue every share where the last run left it; a problem is tried again when its entry has settled."""
        await self._repository.load()
        for share in self._repository.shares.values():
            if share.step.is_active:
                self.enqueue(share)

    async def run(self) -> None:
        """Work on the shares until cancelled; what is hashed already does not wait for hashing."""
        lanes = [self._work(self._to_hash), *(self._work(self._to_seed) for _ in range(_SEEDERS))]
        tasks = [asyncio.create_task(lane) for lane in lanes]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def enqueue(self, share: ShareRecord) -> None:
        """Work on a share as it is when its turn comes; a paused share is not hashed."""
        if share.paused and share.step is ShareStep.HASHING:
            return
        # A renewal must not wait for hours of hashing: nothing is seeded before it is out.
        (self._to_hash if share.step is ShareStep.HASHING else self._to_seed).put_nowait(share.id)

    def is_working_on(self, share: ShareRecord) -> bool:
        """Return whether a share is being worked on."""
        return share.id in self._at_work

    async def halt(self, share_id: str) -> ShareRecord:
        """Leave the swarm of a share, which closes all its connections, and end the work on it.

        Nothing is recorded, and nothing waits for a disk but an envelope that is being written.

        Returns:
            The share as the work has left it; `proceed` continues it.

        Raises:
            NotFound: there is no such share.
        """
        await self._repository.stop_seeding(self._repository.get(share_id))
        if work := self._at_work.get(share_id):
            work.cancel()
            await asyncio.wait({work})
            self._note_end(share_id, work)
            # The work may have entered the swarm meanwhile.
            await self._repository.stop_seeding(self._repository.get(share_id))
        return self._repository.get(share_id)

    async def proceed(self, share: ShareRecord) -> None:
        """Continue a share that was halted; the repository's lock is held.

        If a user was revoked from it, the others get new tickets first.
        """
        if self._repository.deliveries.needs_reissue(share):
            await self.reissue(share)
        elif share.step.is_active:
            self.enqueue(share)

    def defer(self, share: ShareRecord) -> bool:
        """Return whether a share is being worked on; if it is, its entry is looked at again afterwards."""
        if self.is_working_on(share):
            self._outdated.add(share.id)
            return True
        return False

    @contextlib.asynccontextmanager
    async def isolate(self, share: ShareRecord) -> AsyncIterator[None]:
        """Do work on one of many shares; what goes wrong is recorded with it; the repository's lock is held.

        Raises:
            SystemFailed: the disk or the database failed, which is not the share's problem.
            DamagedDatabase: the same.
        """
        what = f"share “{for_display(share.name)}”"
        try:
            yield
        except (SystemFailed, DamagedDatabase):
            raise
        except Exception as error:  # noqa: BLE001 — whatever it is, the other shares go on
            problem = explain(error, what)
            with isolate_errors(what):
                await self._repository.stop_seeding(share)
                if share.id in self._repository.shares:
                    await self.pipeline.fail(self._repository.get(share.id), problem.detail, problem.hint)

    async def reissue(self, share: ShareRecord) -> None:
        """Give the recipients of a halted share new tickets; the repository's lock is held."""
        reissued = await self._repository.save(reissue(share, self._clock()))
        if reissued.step.is_active:
            self.enqueue(reissued)

    async def settle_again(self, share: ShareRecord) -> bool:
        """Stop seeding a share whose payload was read and is not what was hashed; it is hashed when it has settled.

        Returns:
            False when the share is being worked on, or has changed already.
        """
        async with self._repository.lock:
            now = self._repository.shares.get(share.id)
            known = now is not None and (now.step, now.info_hash) == (ShareStep.SEEDING, share.info_hash)
            if now is None or not known or self.is_working_on(now):
                return False
            await self._repository.stop_seeding(now)
            await self._repository.save(after_payload_change(now))
        self._events.publish(EntryOutdated(Path(share.path)))
        return True

    async def record_problem(self, info_hash: str, reason: str) -> None:
        """Stop a share that the engine cannot seed; `reason`: a sentence."""
        async with self._repository.lock:
            for share in list(self._repository.shares.values()):
                if share.info_hash == info_hash and self._repository.is_seeding(share):
                    async with self.isolate(share):
                        await self._repository.stop_seeding(share)
                        await self.pipeline.fail(share, reason, "")

    async def _work(self, queue: asyncio.Queue[str]) -> None:
        while True:
            share_id = await queue.get()
            async with self._repository.lock:
                share = self._repository.shares.get(share_id)
                if share is None or share_id in self._at_work:
                    continue  # removed while it waited, or being worked on
                if queue is self._to_seed and share.step is ShareStep.HASHING:
                    continue  # changed while it waited, so it is in the other queue
                self._outdated.discard(share_id)
                work = asyncio.create_task(self.pipeline.advance(share))
                self._at_work[share_id] = work
            settled = await self._end_of(share_id, work)
            if not settled or share_id in self._outdated:
                self._events.publish(EntryOutdated(Path(share.path)))

    async def _end_of(self, share_id: str, work: asyncio.Task[bool]) -> bool:
        """Wait for work on a share; return its result, and True for work that was halted."""
        try:
            await asyncio.wait({work})
        finally:
            if not work.done():  # the agent stops
                work.cancel()
                await asyncio.wait({work})
            self._note_end(share_id, work)
        return work.cancelled() or work.result()

    def _note_end(self, share_id: str, work: asyncio.Task[bool]) -> None:
        if self._at_work.get(share_id) is work:
            del self._at_work[share_id]
            self._changed.notify()
