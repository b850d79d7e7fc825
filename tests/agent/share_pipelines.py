"""A queue at work without its agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.agent.homes import Home, opened
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.folders.fingerprint import walk_payload
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.envelope import CardKey, Opened, open_envelope


@dataclass
class Press:
    """A queue at work, and which entries it wants to be looked at again."""

    context: Context
    queue: ShareQueue
    admission: ShareAdmission
    again: list[Path] = field(default_factory=list)

    @property
    def shares(self) -> list[ShareRecord]:
        return list(self.queue.shares.values())

    @property
    def only(self) -> ShareRecord:
        (share,) = self.shares
        return share

    async def accept(self, path: Path, *, users: tuple[str, ...] = ("bob",)) -> None:
        target = ShareTarget(users, "tls", str(path.parent))
        await self.admission.accept(walk_payload(path, target.folder), target)

    def find(self, path: Path) -> ShareRecord:
        share = self.admission.find(path)
        assert share is not None
        return share

    async def until(self, path: Path, step: ShareStep, generation: int = 1) -> ShareRecord:
        def done() -> bool:
            share = self.find(path)
            return self.queue.is_idle and (share.step, share.generation) == (step, generation)

        await wait_until(done)
        return self.find(path)

    @property
    def served(self) -> set[str]:
        return set(self.context.engine.all_progress())


@asynccontextmanager
async def publishing_at(home: Home) -> AsyncIterator[Press]:
    async with opened(home) as context:
        again: list[Path] = []
        repository = ShareRepository(context)
        queue = ShareQueue(context, repository, again.append)
        press = Press(context, queue, ShareAdmission(context, repository, queue), again)
        await press.queue.load()
        task = asyncio.create_task(press.queue.run())
        try:
            yield press
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def open_from(home: Home, name: str, bob: Home) -> Opened:
    return open_envelope((home.outbox / name).read_bytes(), [CardKey(bob.identity.private_key)])
