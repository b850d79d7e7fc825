"""What runs when: the shares that have work to do, one hashed at a time, several sealed or seeded.

Owns the loops, and how the work on a share is halted and continued; `tuishare.agent.shares.pipeline` does the steps.
Must not decide what becomes of an entry: that is `tuishare.agent.shares.admission`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final

from tuishare.agent.context import Context
from tuishare.agent.error_isolation import explain, isolate_errors
from tuishare.agent.shares.pipeline import Hashing, SharePipeline
from tuishare.agent.shares.recheck import Rechecker
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import after_payload_change, reissue
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.core.sqlite_errors import DamagedDatabase
from tuishare.errors import SystemFailed
from tuishare.sanitize import for_display

_SEEDERS: Final = 8
"""Shares that are sealed or join their swarms at the same time; most of it is waiting for disk and libtorrent."""
_log = logging.getLogger(__name__)


class ShareQueue:
    """Brings shares into the swarm. One is hashed at a time, because hashing uses all cores.

    A share has one writer: while one is being worked on, a newer form of it has to settle once more, and a command
    ends that work first (`halt`). Every step is recorded before its side effect, so work that was ended is taken up
    again where it was, as after a crash.
    """

    def __init__(
        self, context: Context, repository: ShareRepository, look_again: Callable[[Path], None]
    ) -> None:
        """`look_again` is told of an entry that changed while it was worked on."""
        self._context = context
        self._repository = repository
        self._look_again = look_again
        self.pipeline = SharePipeline(context, repository)
        self._rechecking = Rechecker(repository, look_again, self.settle_again)
        self._to_hash: asyncio.Queue[str] = asyncio.Queue()
        self._to_serve: asyncio.Queue[str] = asyncio.Queue()
        self._at_work: dict[str, asyncio.Task[bool]] = {}
        self._outdated: set[str] = set()

    @property
    def shares(self) -> Mapping[str, ShareRecord]:
        """All shares by id, oldest first."""
        return self._repository.shares

    @property
    def hashing(self) -> Mapping[str, Hashing]:
        """How far the hashing of a share is, by its id."""
        return self.pipeline.hashing

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being worked on or waits for that."""
        return self._to_hash.empty() and self._to_serve.empty() and not self._at_work

    async def load(self) -> None:
        """Take up every share where the last run left it; what had a problem is tried again once it has settled."""
        await self._repository.load()
        for share in self._repository.shares.values():
            if share.step.is_active:
                self.enqueue(share)

    async def run(self) -> None:
        """Work on the shares until cancelled; those that are made already need not wait for the others."""
        lanes = [self._work(self._to_hash), *(self._work(self._to_serve) for _ in range(_SEEDERS))]
        tasks = [asyncio.create_task(lane) for lane in (*lanes, self._rechecking.run())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def enqueue(self, share: ShareRecord) -> None:
        """Work on a share, in the form that it has when its turn comes; one that is paused is not hashed before."""
        if share.paused and share.step is ShareStep.HASHING:
            return
        # A renewal must not wait for hours of hashing: until it is out, nobody is served.
        (self._to_hash if share.step is ShareStep.HASHING else self._to_serve).put_nowait(share.id)

    def is_working_on(self, share: ShareRecord) -> bool:
        """Whether a share is being worked on right now."""
        return share.id in self._at_work

    async def halt(self, share_id: str) -> ShareRecord:
        """Leave the swarm of a share, which cuts all its connections, and end the work on it, whatever that is.

        Nothing is recorded, and nothing waits for a disk but an envelope whose writing has begun.

        Returns:
            The share as the work has left it; `take_up` goes on with it.

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
        """Go on with a share that was halted; `changing` is held.

        Whoever was taken out of it gets no ticket that is good: the others get new ones first.
        """
        if self._repository.deliveries.needs_reissue(share):
            await self.reissue(share)
        elif share.step.is_active:
            self.enqueue(share)

    def defer(self, share: ShareRecord) -> bool:
        """Whether a share is being worked on right now; if so, its entry is looked at again after that."""
        if self.is_working_on(share):
            self._outdated.add(share.id)
            return True
        return False

    @contextlib.asynccontextmanager
    async def isolate(self, share: ShareRecord) -> AsyncIterator[None]:
        """Do one share's part of some work on many; what goes wrong is shown with it; `changing` is held.

        Raises:
            SystemFailed: the disk or the database failed, which is no share's fault.
            DamagedDatabase: likewise.
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

    def recheck(self, path: Path) -> None:
        """Have an entry that seems to be what it was compared with its hashes, in its own time."""
        self._rechecking.request(path)

    async def reissue(self, share: ShareRecord) -> None:
        """Give new tickets for a share that was halted; `changing` is held."""
        renewed = await self._repository.save(reissue(share, self._context.clock()))
        if renewed.step.is_active:
            self.enqueue(renewed)

    async def settle_again(self, share: ShareRecord) -> bool:
        """Stop serving a share whose payload was read and is no longer what was hashed; it is hashed when it settles.

        Returns:
            False when the share is being worked on, or has become something else already.
        """
        async with self._repository.lock:
            now = self._repository.shares.get(share.id)
            known = now is not None and (now.step, now.info_hash) == (ShareStep.SEEDING, share.info_hash)
            if now is None or not known or self.is_working_on(now):
                return False
            await self._repository.stop_seeding(now)
            await self._repository.save(after_payload_change(now))
        self._look_again(Path(share.path))
        return True

    async def record_problem(self, info_hash: str, reason: str) -> None:
        """Take note that the engine gave a share up."""
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
                    continue  # removed while it waited, or in hand
                if queue is self._to_serve and share.step is ShareStep.HASHING:
                    continue  # changed while it waited, and thus in the other queue
                self._outdated.discard(share_id)
                work = asyncio.create_task(self.pipeline.advance(share))
                self._at_work[share_id] = work
            settled = await self._end_of(share_id, work)
            if not settled or share_id in self._outdated:
                self._look_again(Path(share.path))

    async def _end_of(self, share_id: str, work: asyncio.Task[bool]) -> bool:
        """Wait for work on a share; returns what it does, and True for work that was halted."""
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
            self._context.changed.notify()
