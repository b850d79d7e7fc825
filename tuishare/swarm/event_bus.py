"""Delivery of events to subscribers that read at their own pace.

Owns the subscriptions and their backlogs. A backlog is bounded: an unread event is replaced by a newer one of the same
kind for the same torrent, so there are only a few per torrent, and `Completed` and `Failed` always arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Self

from tuishare.swarm.events import ContactRefused, EngineEvent, TrackerFailed


class Subscription:
    """An asynchronous iterator over events; ends when the engine closes. Also a context manager that unsubscribes."""

    def __init__(self, unsubscribe: Callable[[Subscription], None]) -> None:
        self._unsubscribe = unsubscribe
        self._backlog: dict[Hashable, EngineEvent] = {}
        self._changed = asyncio.Event()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unsubscribe(self)
        self.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EngineEvent:
        while not self._backlog:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        oldest = next(iter(self._backlog))
        return self._backlog.pop(oldest)

    def put(self, event: EngineEvent) -> None:
        """Append an event, and drop an unread one that it replaces."""
        key = _subject(event)
        self._backlog.pop(key, None)
        self._backlog[key] = event
        self._changed.set()

    def end(self) -> None:
        """End the iteration after the backlog."""
        self._ended = True
        self._changed.set()


class Subscribers:
    """The subscriptions to one engine's events."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def subscribe(self) -> Subscription:
        """Create a subscription, from the next event on."""
        subscription = Subscription(self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, event: EngineEvent) -> None:
        """Add an event to all subscriptions."""
        for subscription in self._subscriptions:
            subscription.put(event)

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in self._subscriptions:
            subscription.end()


def _subject(event: EngineEvent) -> Hashable:
    match event:
        case TrackerFailed():
            about = event.url
        case ContactRefused():
            about = event.contact
        case _:
            about = ""
    return type(event), event.info_hash, about
