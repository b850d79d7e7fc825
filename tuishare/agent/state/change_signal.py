"""The signal that something visible to clients has changed.

Owns a revision number and the wait for the next one. Must not know what changed.
"""

from __future__ import annotations

import asyncio


class ChangeSignal:
    """A revision number that can be waited for.

    A caller passes the revision that it has seen, so no change is missed between two waits, and any number of
    changes in between wake it once. All methods belong to the event loop's thread.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._moved = asyncio.Event()

    @property
    def revision(self) -> int:
        """The present revision; every `notify` increments it."""
        return self._revision

    def notify(self) -> None:
        """Report that something visible to clients has changed."""
        self._revision += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_for_change(self, revision: int) -> int:
        """Wait until the revision is greater than the given one.

        Args:
            revision: the last one that the caller has handled.

        Returns:
            The present revision.
        """
        while self._revision <= revision:
            await self._moved.wait()
        return self._revision
