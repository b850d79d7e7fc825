"""Two ends of a transfer without their agents: who seeds a share, and a queue of downloads at work."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.agent.homes import Home, opened, seal_for, share_of
from tests.waiting import wait_until
from tuishare.agent.context import Context
from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.downloads.inbox import DownloadParts
from tuishare.agent.downloads.payload_watch import PayloadWatcher
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.events import DownloadsChanged
from tuishare.agent.startup import make_download_parts
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import OpenedEnvelope, open_received
from tuishare.core.records import DownloadRecord, DownloadStep, ShareRecord
from tuishare.core.share_sealing import own_credentials
from tuishare.errors import SystemFailed
from tuishare.fs.atomic import ENVELOPE_SUFFIX
from tuishare.people import UserBook
from tuishare.swarm import Completed, Engine, Failed, FalseData, TorrentSpec


@dataclass
class Desk:
    """A queue at work, and what hands envelopes to it."""

    context: Context
    queue: DownloadQueue
    admission: DownloadAdmission
    payload_watcher: PayloadWatcher
    parts: DownloadParts

    @property
    def only(self) -> DownloadRecord:
        (record,) = self.queue.downloads.values()
        return record

    async def stored(self) -> list[DownloadRecord]:
        return await self.context.store.run(lambda database: database.downloads())

    async def until(self, step: DownloadStep) -> DownloadRecord:
        await wait_until(lambda: self.only.step is step and not self.queue._repository.lock.locked())
        return self.only

    @property
    def joined(self) -> set[str]:
        return set(self.context.engine.all_progress())


@asynccontextmanager
async def receiving_at(home: Home) -> AsyncIterator[Desk]:
    async with opened(home) as context:
        parts = make_download_parts(context)
        queue, admission, payload_watcher = parts.queue, parts.admission, parts.payload_watcher
        queue._files._reserve = 0
        context.events.subscribe(DownloadsChanged, lambda _: payload_watcher.on_downloads_changed())
        with context.engine.subscribe() as events:

            async def listen() -> None:
                async for event in events:
                    if isinstance(event, Completed):
                        queue.on_completed(event.info_hash)
                    elif isinstance(event, Failed):
                        await queue.record_problem(
                            event.info_hash, SystemFailed(event.reason, errno=event.errno)
                        )
                    elif isinstance(event, FalseData):
                        await queue.record_false_data(event.info_hash)

            await queue.load()
            await admission.load()
            tasks = [
                asyncio.create_task(work)
                for work in (listen(), queue.run(), payload_watcher.compare_all(threading.Event()))
            ]
            try:
                yield Desk(context, queue, admission, payload_watcher, parts)
                assert not any(task.done() for task in tasks), tasks
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Sender:
    """Alice, who seeds a share."""

    home: Home
    share: ShareRecord
    engine: Engine
    contacts: tuple[str, ...]

    def seal(self, to: Home, **changes: object) -> bytes:
        share = replace(self.share, **changes)  # type: ignore[arg-type]
        return seal_for(self.home, share, to.user(), contacts=self.contacts)


@asynccontextmanager
async def seeding(alice: Home, path: Path) -> AsyncIterator[Sender]:
    share = share_of(path)
    async with opened(alice) as context:
        await context.engine.add(
            TorrentSpec(share.torrent, path.parent, "tls", own_credentials(share), complete=True)
        )
        yield Sender(alice, share, context.engine, (f"127.0.0.1:{context.engine.listening['tls']}",))


def judge(alice: Home, bob: Home, data: bytes) -> OpenedEnvelope:
    return open_received(data, bob.identity, UserBook((alice.user(),)), now=wall_clock())


async def put(desk: Desk, alice: Home, bob: Home, data: bytes, name: str = "x") -> None:
    """Put an envelope into the inbox and admit it."""
    envelope = f"{name}{ENVELOPE_SUFFIX}"
    (bob.inbox / envelope).write_bytes(data)
    await desk.admission.admit(judge(alice, bob, data), envelope, digest(data))


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def lonely(alice: Home, bob: Home, path: Path) -> bytes:
    """An envelope whose sender is away."""
    return seal_for(alice, share_of(path), bob.user())
