"""What one part of a link leaves for another one to do.

Owns the waiting. An agent has several for each of its contacts, nearly all of them empty nearly all the time: an empty
one takes a hundredth of the memory of an `asyncio.Queue`.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue with one task that adds and one that takes."""

    __slots__ = ("_adding", "_items", "_most", "_taking")

    def __init__(self, most: int = 0) -> None:
        """Begin empty; `most` is how many `add_when_room` leaves in it."""
        self._items: list[T] = []
        self._most = most
        self._taking: asyncio.Future[None] | None = None
        self._adding: asyncio.Future[None] | None = None

    def add(self, item: T) -> None:
        """Add an item, whatever there is."""
        self._items.append(item)
        wake(self._taking)

    async def add_when_room(self, item: T) -> None:
        """Wait until there are fewer than so many, then add an item."""
        while len(self._items) >= self._most:
            self._adding = asyncio.get_running_loop().create_future()
            await self._adding
        self.add(item)

    async def take(self) -> T:
        """Wait for an item, and return the oldest."""
        while not self._items:
            self._taking = asyncio.get_running_loop().create_future()
            await self._taking
        item = self._items.pop(0)
        wake(self._adding)
        return item


def wake(waiting: asyncio.Future[None] | None) -> None:
    """Let the task go on that waits for a future, if there is one."""
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
