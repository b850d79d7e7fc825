"""The agent's state as live pages show it: one event stream for all of them, open while there is such a page.

Owns that stream and its end. Each page compares for itself what it has shown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any, Final

from tuishare.api.client import AgentClient
from tuishare.api.messages import Snapshot
from tuishare.api.snapshot_diff import apply
from tuishare.errors import AgentUnreachable, TuishareError
from tuishare.web.tokens import make_token

_RETRY_SECONDS: Final = 2.0
_LINGER_SECONDS: Final = 5.0
"""The stream stays open for so long after the last page, which usually leaves for another page."""

_PAGES: Final = 200
"""Pages whose stream has not begun yet."""


class AgentState:
    """Follows the agent while a page is open.

    Args:
        client: of the agent.
        retry: seconds between two attempts to reach a lost agent.
    """

    def __init__(self, client: AgentClient, *, retry: float = _RETRY_SECONDS) -> None:
        self._client = client
        self._retry = retry
        self._pages = 0
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._changed = asyncio.Condition()
        self._shown: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.revision = 0
        self.snapshot: Snapshot | None = None
        self.lost: TuishareError | None = None

    def remember(self, shown: dict[str, Any]) -> str:
        """Keep what a page shows until its stream begins; return a token for it."""
        page = make_token()
        self._shown[page] = shown
        if len(self._shown) > _PAGES:
            self._shown.popitem(last=False)
        return page

    def recall(self, page: str) -> dict[str, Any] | None:
        """Return what a page shows, once; None if that is not known."""
        return self._shown.pop(page, None)

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow the agent at least for as long as the block lasts."""
        self._pages += 1
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="agent-state")
        try:
            yield
        finally:
            self._pages -= 1
            if not self._pages:
                self._closing = asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._rest)

    async def wait_for_change(self, revision: int, seconds: float) -> int:
        """Wait until something has changed since a revision, or for so long; return the present revision."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.revision > revision)
        return self.revision

    async def close(self) -> None:
        """End the stream."""
        if self._closing is not None:
            self._closing.cancel()
        task = self._task
        self._rest()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def _rest(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = self._closing = self.snapshot = self.lost = None

    async def _follow(self) -> None:
        while True:
            try:
                await self._read()
            except TuishareError as error:
                self.lost = error
            await self._tell()
            await asyncio.sleep(self._retry)

    async def _read(self) -> None:
        """Follow until the agent is lost.

        Raises:
            TuishareError: it is.
        """
        async with contextlib.aclosing(self._client.events()) as events:
            snapshot: Snapshot | None = None
            async for event in events:
                if isinstance(event, Snapshot):
                    snapshot = event
                elif snapshot is not None:
                    snapshot = apply(snapshot, event)
                self.snapshot, self.lost = snapshot, None
                await self._tell()
        raise AgentUnreachable("The agent ended the connection")

    async def _tell(self) -> None:
        async with self._changed:
            self.revision += 1
            self._changed.notify_all()
