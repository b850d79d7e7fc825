"""What clients ask about files and folders on this machine, before they name one.

Owns the threads that look them up: few at a time, each for a few seconds, and apart from those that the rest of the
agent needs, because a network drive may block one for good. Must not open or change a file.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from tuishare.api.error_body import Busy
from tuishare.api.messages import FolderListing, FolderQuery, PathNamed, PathSize
from tuishare.errors import SystemFailed
from tuishare.fs.browse import Deadline, list_folder, measure, to_absolute

R = TypeVar("R")

THREADS: Final = 4
"""Look-ups at a time; one more ends the oldest count, which answers with what it has."""

SECONDS: Final = 5.0
"""For one look-up, after which it answers with what it has."""

_GRACE: Final = 1.0
"""Seconds after that for a disk that does not react at all."""


class PathService:
    """Carries out what `tuishare.api.service.AgentService` says about paths.

    Args:
        seconds: for one look-up.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._free = asyncio.Semaphore(THREADS)
        self._counts: list[Deadline] = []

    async def list_folder(self, query: FolderQuery) -> FolderListing:
        def look_up(deadline: Deadline) -> FolderListing:
            listed = list_folder(
                to_absolute(query.path),
                deadline,
                start=query.start,
                folders_only=query.folders_only,
                nearest=query.nearest,
            )
            return msgspec.convert(listed, FolderListing, from_attributes=True)

        await self._wait_for_thread()
        return await self._run(look_up, Deadline(self._seconds))

    async def measure_path(self, path: PathNamed) -> PathSize:
        def look_up(deadline: Deadline) -> PathSize:
            return msgspec.convert(measure(to_absolute(path.path), deadline), PathSize, from_attributes=True)

        await self._wait_for_thread()
        deadline = Deadline(self._seconds)
        self._counts.append(deadline)
        try:
            return await self._run(look_up, deadline)
        finally:
            if deadline in self._counts:
                self._counts.remove(deadline)

    async def _wait_for_thread(self) -> None:
        """Take the right to one thread.

        Raises:
            Busy: all of them are stuck.
        """
        if self._free.locked() and self._counts:
            self._counts.pop(0).cancel()
        try:
            async with asyncio.timeout(self._seconds + _GRACE):
                await self._free.acquire()
        except TimeoutError:
            raise Busy("The agent is waiting for disks that do not react", hint="Try again later.") from None

    async def _run(self, look_up: Callable[[Deadline], R], deadline: Deadline) -> R:
        """Run one look-up in a thread of its own, which gives back the right to it.

        Raises:
            SystemFailed: the disk does not react.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()

        def run() -> None:
            # A future of its own, because one of asyncio must not be changed by another thread.
            found = concurrent.futures.Future[R]()
            try:
                found.set_result(look_up(deadline))
            except Exception as error:  # noqa: BLE001 (raised again where the answer is awaited)
                found.set_exception(error)
            with contextlib.suppress(RuntimeError):  # the agent has stopped meanwhile
                loop.call_soon_threadsafe(self._finish, answer, found)

        # A daemon, so that the agent can stop while a disk does not react.
        threading.Thread(target=run, name="path look-up", daemon=True).start()
        try:
            async with asyncio.timeout(self._seconds + _GRACE):
                return await answer
        except TimeoutError:
            raise SystemFailed(
                "The disk with this path does not react", hint="Check whether its network drive is connected."
            ) from None
        finally:
            deadline.cancel()

    def _finish(self, answer: asyncio.Future[R], found: concurrent.futures.Future[R]) -> None:
        self._free.release()
        if answer.done():  # given up
            return
        if (error := found.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found.result())
