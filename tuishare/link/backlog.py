"""What one part of a link leaves for later: items that are handled one after the other.

Owns the waiting. An agent has several backlogs for each of its contacts, nearly all of them empty nearly all the time,
so a task runs only while there is something in one: a task that waits takes more than a kilobyte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Start: TypeAlias = Callable[[Coroutine[Any, Any, None]], object]
"""Starts a task; what fails in it is the starter's to handle."""


class Backlog(Generic[T]):
    """A queue whose items are handled in their order, each when the one before is done."""

    __slots__ = ("_handle", "_is_handling", "_items", "_most", "_room", "_start")

    def __init__(self, start: Start, handle: Callable[[T], Awaitable[None]], most: int = 0) -> None:
        """Begin empty.

        Args:
            start: starts the task that handles items, when there are some.
            handle: what is done with each.
            most: how many `add_when_room` leaves waiting.
        """
        self._start = start
        self._handle = handle
        self._most = most
        self._items: list[T] = []
        self._is_handling = False
        self._room: asyncio.Future[None] | None = None

    def add(self, item: T) -> None:
        """Add an item, whatever there is."""
        self._items.append(item)
        if not self._is_handling:
            self._is_handling = True
            self._start(self._work())

    async def add_when_room(self, item: T) -> None:
        """Wait until fewer than so many wait, then add an item; for one task."""
        while len(self._items) >= self._most:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        self.add(item)

    async def _work(self) -> None:
        try:
            while self._items:
                item = self._items.pop(0)
                wake(self._room)
                await self._handle(item)
        finally:
            self._is_handling = False


def wake(waiting: asyncio.Future[None] | None) -> None:
    """Let the task go on that waits for a future, if there is one."""
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
