"""What the API server needs from the agent, and how the agent says that something moved.

Owns the seam only. The agent implements `AgentService`; nothing here knows how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from tuishare.api.messages import Activity, Download, DownloadId, Reloaded, Share, ShareId, Snapshot, Status
from tuishare.api.orders import DownloadOrder, NewShare, ShareOrder


class ChangeSignal:
    """A revision number that can be waited for.

    A waiter names the revision it has seen, so no change is missed between two waits and any number of
    changes in between wake it once. All methods belong to the event loop's thread.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._moved = asyncio.Event()

    @property
    def revision(self) -> int:
        """The present revision; grows by one with every `notify`."""
        return self._revision

    def notify(self) -> None:
        """Say that something a client can see has changed."""
        self._revision += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def beyond(self, revision: int) -> int:
        """Wait until the revision is greater than the given one.

        Args:
            revision: the last one that the caller has dealt with.

        Returns:
            The present revision.
        """
        while self._revision <= revision:
            await self._moved.wait()
        return self._revision


class AgentService(Protocol):
    """The agent as the server sees it. What is no order answers at once, from memory."""

    def status(self) -> Status:
        """Tell about the agent itself."""

    def shares(self) -> Sequence[Share]:
        """List what is published, oldest first."""

    def downloads(self) -> Sequence[Download]:
        """List what is received, oldest first."""

    def snapshot(self) -> Snapshot:
        """Tell all of it, as of one moment."""

    def changes(self) -> ChangeSignal:
        """Give the signal that moves whenever one of the answers above would differ."""

    async def activity(self, limit: int) -> Sequence[Activity]:
        """List the last of what happened, newest first.

        Raises:
            SystemFailed: it cannot be read.
        """

    async def share(self, new: NewShare) -> ShareId:
        """Share a file or folder outside the drop folders.

        Raises:
            TuishareError: it cannot be shared, or not for these recipients.
        """

    async def order_share(self, share: ShareId, order: ShareOrder) -> None:
        """Do something with a share.

        Raises:
            NotFound: there is no such share.
            Refused: not now.
        """

    async def order_download(self, download: DownloadId, order: DownloadOrder) -> None:
        """Do something with a download.

        Raises:
            NotFound: there is no such download.
            Refused: not now, or not with a download in its state.
        """

    async def reload(self) -> Reloaded:
        """Read settings and user book again, and try once more what failed for want of a user or a key.

        Raises:
            BadConfiguration: a file is not usable; what was in force before stays so.
        """

    async def stop(self) -> None:
        """Begin to stop; returns once that is under way, not when it is done.

        The server answers the client afterwards, so this must not wait for the server itself to stop.
        """
