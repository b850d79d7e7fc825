"""Runs the commands of clients, and answers at once while the disk refuses writes.

Owns the answer. A command that was begun is finished when the disk allows it, like all other work that waits for the
disk. Must not know what a command does.
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
    """Runs the commands of one agent, once it is `ready`."""

    def __init__(self, disk_retry: DiskRetry) -> None:
        """`disk_retry` retries writes to the disk on which commands are recorded."""
        self.ready = asyncio.Event()
        self._disk_retry = disk_retry
        self._late: set[asyncio.Task[Any]] = set()

    async def run(
        self, order: Coroutine[Any, Any, _T], *, first: Coroutine[Any, Any, None] | None = None
    ) -> _T:
        """Run a command, and wait for it unless it has to wait for the disk.

        Args:
            order: the command.
            first: the part of it that needs no disk and must not wait for one. A command with such a part is begun
                even while the disk refuses writes.

        Raises:
            DiskRefused: work waits for the disk already, so the command is not begun; or the disk refuses its writes,
                and it is finished later.
            SystemFailed: the agent is still loading the state of its last run.
            TuishareError: the command failed.
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
        refused = asyncio.create_task(self._disk_retry.refused())
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
            "The disk is full or refuses writes; this will be done once it allows them",
            hint="Free some space on it.",
        )

    async def close(self) -> None:
        """Cancel the commands that still wait."""
        late = tuple(self._late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _require_able(self, *, despite_disk: bool) -> None:
        if not despite_disk:
            self._disk_retry.require()
        if not self.ready.is_set():
            raise SystemFailed("The agent is still starting", hint="Try again in a moment.")

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("A command that had waited for the disk failed: %s", error)
