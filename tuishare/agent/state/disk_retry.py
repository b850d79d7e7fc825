"""Retries writes while the disk is full or read-only.

Owns the waiting, and the problem that is shown meanwhile. Must not know what is written: callers make sure that a retry
does no harm. Commands of users are refused instead of retried (`DiskRetry.require`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from tuishare.agent.events import DiskStateChanged, EventBus
from tuishare.core.problems import Problem
from tuishare.errors import DiskRefused, TooManyOpen

FIRST_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 5.0
"""Seconds between two tries, doubled each time. A try is cheap, and new free space should have an effect soon."""
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class DiskRetry:
    """Retries writes to the disk of one folder."""

    def __init__(self, place: Path, events: EventBus | None = None) -> None:
        """Start with a disk that works.

        Args:
            place: the folder, which the problem names.
            events: gets `DiskStateChanged` when `problems` have changed.
        """
        self._events = events or EventBus()
        self._place = place
        self._turn = asyncio.Lock()
        self._refusal: DiskRefused | None = None
        self._since = 0
        self._refused = asyncio.Event()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problem to show while something waits."""
        if self._refusal is None:
            return ()
        return (
            Problem(
                id=f"disk {self._place}",
                title=_name(self._refusal),
                detail=f"{self._refusal.detail}; pending writes are queued",
                hint=self._refusal.hint,
                since=self._since,
            ),
        )

    async def refused(self) -> None:
        """Return as soon as something waits for this disk."""
        await self._refused.wait()

    def require(self) -> None:
        """Require that nothing waits for this disk.

        Raises:
            DiskRefused: something does, and anything new would have to wait as well.
        """
        if known := self._refusal:
            raise DiskRefused(known.detail, hint=known.hint, full=known.full)

    async def retry_until_written(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat `work` until the disk no longer refuses it; later calls wait in order.

        Args:
            work: called again after every `DiskRefused`, so it has to be all or nothing.

        Raises:
            Exception: any other exception of `work`.
        """
        async with self._turn:
            pause = FIRST_SECONDS
            try:
                while True:
                    try:
                        return await work()
                    except DiskRefused as error:
                        self._note(error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_SECONDS)
            finally:
                self._clear()

    def _note(self, error: DiskRefused) -> None:
        if self._refusal is None:
            _log.error("%s; waiting for the disk", error.detail)
            self._since = int(time.time())
        known, self._refusal = self._refusal, error
        self._refused.set()
        if known is None or known.detail != error.detail:
            self._events.publish(DiskStateChanged())

    def _clear(self) -> None:
        if self._refusal is not None:
            _log.info("No longer waiting for the disk of %s", self._place)
            self._refusal = None
            self._refused.clear()
            self._events.publish(DiskStateChanged())


def _name(refusal: DiskRefused) -> str:
    if isinstance(refusal, TooManyOpen):
        return "Too many files are open"
    return "The disk is full" if refusal.full else "The disk refuses writes"
