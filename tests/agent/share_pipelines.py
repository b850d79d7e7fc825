"""A queue at work without its agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.agent.homes import Home, is_idle, opened
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.events import EntryOutdated
from tuishare.agent.folders.fingerprint import walk_payload
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.sharing import ShareParts
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.agent.startup import make_share_parts
from tuishare.core.records import ShareRecord, ShareStep
from tuishare.envelope import CardKey, Opened, open_envelope


@dataclass
class Press:
    """A queue at work, and which entries it wants to be looked at again."""

    context: Context
    queue: ShareQueue
    admission: ShareAdmission
    again: list[Path]
    parts: ShareParts

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
            return is_idle(self.queue) and (share.step, share.generation) == (step, generation)

        await wait_until(done)
        return self.find(path)

    @property
    def served(self) -> set[str]:
        return set(self.context.engine.all_progress())


@asynccontextmanager
async def publishing_at(home: Home) -> AsyncIterator[Press]:
    async with opened(home) as context:
        again: list[Path] = []
        context.events.subscribe(EntryOutdated, lambda event: again.append(event.path))
        parts = make_share_parts(context)
        press = Press(context, parts.queue, parts.admission, again, parts)
        await press.queue.load()
        tasks = [asyncio.create_task(work.run()) for work in (parts.queue, parts.rechecker)]
        try:
            yield press
            assert not any(task.done() for task in tasks), tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def open_from(home: Home, name: str, bob: Home) -> Opened:
    return open_envelope((home.outbox / name).read_bytes(), [CardKey(bob.identity.private_key)])
