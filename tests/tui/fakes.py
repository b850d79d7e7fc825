"""An agent at the seam where the dashboard reads and orders: a test says what it tells, and when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec
from textual.pilot import Pilot

from tests.api.samples import DOWNLOAD, NOW, SHARE, STATUS
from tuishare.api.messages import Changes, Download, Share, ShareId, Snapshot, Status
from tuishare.api.orders import DownloadOrder, ShareOrder
from tuishare.errors import AgentUnreachable
from tuishare.tui.app import Dashboard
from tuishare.tui.follower import Backoff
from tuishare.tui.notices import write_farewell
from tuishare.tui.view import View

CALM: Status = msgspec.structs.replace(STATUS, problems=(), inbox="/home/alice/tuishare/inbox")
GONE = AgentUnreachable("No agent answers on /run/tuishare.sock", hint="Start it with: tuishare agent")
PATIENT = Backoff(first=3600, longest=3600)


def many_shares(number: int) -> tuple[Share, ...]:
    return tuple(
        msgspec.structs.replace(SHARE, id=ShareId(f"{n:04x}"), name=f"file-{n:04}.bin", added=NOW - n)
        for n in range(number)
    )


def snapshot(
    shares: tuple[Share, ...] = (), downloads: tuple[Download, ...] = (), status: Status = CALM
) -> Snapshot:
    return Snapshot(status=status, shares=shares, downloads=downloads)


FULL = snapshot((SHARE,), (DOWNLOAD,))


class FakeAgent:
    """A `Reader` told what to say; a starter and a taker of orders that remember their calls."""

    def __init__(self, *events: Snapshot | Changes | Exception) -> None:
        self.queue: asyncio.Queue[Snapshot | Changes | Exception] = asyncio.Queue()
        self.attempts = 0
        self.open = 0
        self.starts = 0
        self.start_fails_with: Exception | None = None
        self.orders: list[tuple[str, ShareOrder | DownloadOrder]] = []
        self.order_fails_with: Exception | None = None
        self.answering = asyncio.Event()
        self.answering.set()
        for event in events:
            self.say(event)

    def say(self, event: Snapshot | Changes | Exception) -> None:
        self.queue.put_nowait(event)

    async def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        self.attempts += 1
        self.open += 1
        try:
            while True:
                event = await self.queue.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.open -= 1

    async def start(self) -> None:
        self.starts += 1
        if self.start_fails_with:
            raise self.start_fails_with

    async def order_share(self, share: str, order: ShareOrder) -> None:
        await self._take(share, order)

    async def order_download(self, download: str, order: DownloadOrder) -> None:
        await self._take(download, order)

    async def _take(self, subject: str, order: ShareOrder | DownloadOrder) -> None:
        self.orders.append((subject, order))
        await self.answering.wait()
        if self.order_fails_with:
            raise self.order_fails_with


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def dashboard(
    agent: FakeAgent,
    *,
    clock: Callable[[], float] | None = None,
    backoff: Backoff = PATIENT,
    farewell: Callable[[View], str] = write_farewell,
) -> Dashboard:
    start: Callable[[], Awaitable[None]] = agent.start
    app = Dashboard(agent, agent, start, clock=clock or Clock(), backoff=backoff, farewell=farewell)
    app.animation_level = "none"
    return app


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 5) -> None:
    """Let the app work until the condition holds; fail after a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.005)
    await pilot.pause()
