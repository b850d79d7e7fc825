"""What clients ask for while the disk may refuse: nobody is kept waiting for it.

Owns the answer. Whatever was begun goes on, like all other work that waits for the disk; must not know what it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.errors import DiskRefused, SystemFailed

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class CommandRunner:
    """Answers the orders of one agent, which has to be `ready` first."""

    def __init__(self, patience: DiskRetry) -> None:
        """`patience` is with the disk that every order is recorded on."""
        self.ready = asyncio.Event()
        self._patience = patience
        self._late: set[asyncio.Task[Any]] = set()

    async def run(
        self, order: Coroutine[Any, Any, _T], *, first: Coroutine[Any, Any, None] | None = None
    ) -> _T:
        """Carry an order out, and wait for it unless it has to wait for the disk itself.

        Args:
            order: what is asked for.
            first: the part of it that needs no disk and must not wait for one. An order with such a part is begun
                although the disk refuses.

        Raises:
            DiskRefused: work waits for the disk already, so this one is not begun; or it has met a disk that refuses,
                and is finished later.
            SystemFailed: the agent has not taken up yet what the last run left.
            TuishareError: whatever it raises.
        """
        try:
            self._require_able(despite_disk=first is not None)
            if first is not None:
                await first
        except BaseException:
            order.close()
            if first is not None:
                first.close()
            raise
        task = asyncio.create_task(order)
        refused = asyncio.create_task(self._patience.refused())
        try:
            await asyncio.wait({task, refused}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            refused.cancel()
        if task.done():
            return task.result()
        self._late.add(task)
        task.add_done_callback(self._note_end)
        raise DiskRefused(
            "The disk takes nothing now, so this is done as soon as it does", hint="Free some space on it."
        )

    async def close(self) -> None:
        """Leave what still waits undone."""
        late = tuple(self._late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _require_able(self, *, despite_disk: bool) -> None:
        if not despite_disk:
            self._patience.require()
        if not self.ready.is_set():
            raise SystemFailed("The agent is still starting", hint="Try again in a moment.")

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("An order that had waited for the disk failed: %s", error)
