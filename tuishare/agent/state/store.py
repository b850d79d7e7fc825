"""The database for the event loop, on a thread of its own.

Owns that thread: transactions run one after another, in the order of their calls.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tuishare.agent.events import EventBus
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.core.database import Database
from tuishare.core.sqlite_errors import classify
from tuishare.errors import SystemFailed

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Store:
    """The database of one agent; every call runs on its one thread.

    Attributes:
        disk_retry: retries writes while the disk of the database refuses them.
    """

    def __init__(self, path: Path, events: EventBus | None = None) -> None:
        """Store the path, which `open` opens; `events`: see `DiskRetry`."""
        self.disk_retry = DiskRetry(path.parent, events)
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._database: Database | None = None

    async def open(self) -> None:
        """Open the database, as soon as the disk allows it.

        Raises:
            BadConfiguration: it is damaged or from a newer version.
        """
        self._database = await self.disk_retry.retry_until_written(
            lambda: self._on_thread(lambda: Database(self._path))
        )

    async def run(self, work: Callable[[Database], _T]) -> _T:
        """Run work on the database thread and wait for it.

        Raises:
            DiskRefused: the disk or the file system refused; nothing was saved.
            SystemFailed: the database cannot be used.
        """
        database = self._database
        if database is None:
            self.disk_retry.require()  # it may be waiting for the disk
            raise SystemFailed("The store is not open")
        try:
            return await self._on_thread(lambda: work(database))
        except sqlite3.Error as error:
            raise classify(error, self._path) from error

    async def change(self, work: Callable[[Database], _T]) -> _T:
        """Run one transaction; while the disk refuses it, wait, and let all later changes wait behind it.

        Raises:
            SystemFailed: the database cannot be used.
        """
        return await self.disk_retry.retry_until_written(lambda: self.run(work))

    async def close(self) -> None:
        """Wait for the work under way, then close the database."""
        if self._database is not None:
            await self._on_thread(self._database.close)
            self._database = None
        self._thread.shutdown()

    async def _on_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
