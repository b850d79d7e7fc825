"""Handing events to those who read them at their own pace.

Owns the readers and each one's backlog. A backlog is bounded without losing what counts: unread events of one kind
about one torrent fold into the newest, so it never holds more than a few per torrent, and `Completed` or `Failed`
always arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Self

from tuishare.swarm.events import ContactRefused, EngineEvent, TrackerFailed


class Subscription:
    """An asynchronous iterator over events; ends when the engine closes. Also a context manager that ends it early."""

    def __init__(self, leave: Callable[[Subscription], None]) -> None:
        self._leave = leave
        self._backlog: dict[Hashable, EngineEvent] = {}
        self._news = asyncio.Event()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self)
        self.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EngineEvent:
        while not self._backlog:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        oldest = next(iter(self._backlog))
        return self._backlog.pop(oldest)

    def put(self, event: EngineEvent) -> None:
        """Add an event behind the others, replacing an unread one that it makes stale."""
        key = _subject(event)
        self._backlog.pop(key, None)
        self._backlog[key] = event
        self._news.set()

    def end(self) -> None:
        """Let the reader finish what is there and then stop."""
        self._ended = True
        self._news.set()


class Subscribers:
    """Everybody who follows the events of one engine."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def join(self) -> Subscription:
        """Begin to follow, from the next event on."""
        subscription = Subscription(self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription

    def tell(self, event: EngineEvent) -> None:
        """Give an event to everybody."""
        for subscription in self._subscriptions:
            subscription.put(event)

    def dismiss(self) -> None:
        """Let everybody finish."""
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
