"""Activity log: shares, downloads, rejections and problems, for display.

Owns the list, and saving it. Must never make its callers wait, nor stop the agent: entries that cannot be saved wait,
and the oldest are dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from tuishare.agent.events import ActivityRecorded, ActivitySaved, EventBus
from tuishare.agent.process.log_format import redact
from tuishare.agent.state.store import Store
from tuishare.core.activity import ACTIVITY_SHOWN, Activity, ActivityKind
from tuishare.core.database import EVENTS_KEPT, Database
from tuishare.core.records import EventRecord
from tuishare.errors import SystemFailed
from tuishare.sanitize import for_display

_UNWRITTEN: Final = 1000
_LONGEST: Final = 300
_RETRY_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class ActivityLog:
    """The activity log of one agent."""

    def __init__(self, store: Store, now: Callable[[], int], events: EventBus) -> None:
        """Start with an empty list.

        Args:
            store: where it is saved.
            now: returns Unix seconds.
            events: gets `ActivityRecorded` for each entry at once, and `ActivitySaved` when new entries are on disk.
        """
        self._events = events
        self._store = store
        self._now = now
        self._unwritten: deque[EventRecord] = deque(maxlen=_UNWRITTEN)
        self._some = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._recent: deque[Activity] = deque(maxlen=ACTIVITY_SHOWN)

    def note(self, kind: ActivityKind, subject: str, detail: str = "") -> None:
        """Add an entry with the present time.

        Args:
            kind: what happened.
            subject: name of the share, download or envelope; may be hostile.
            detail: one sentence or less.
        """
        event = EventRecord(
            self._now(), kind.value, for_display(redact(subject)), for_display(redact(detail), limit=_LONGEST)
        )
        self._unwritten.append(event)
        self._some.set()
        self._events.publish(ActivityRecorded(event))

    @property
    def recent(self) -> tuple[Activity, ...]:
        """The last entries on disk, newest first, at most `ACTIVITY_SHOWN`; from memory."""
        return tuple(self._recent)

    async def load(self) -> None:
        """Read the entries of the last run.

        Raises:
            SystemFailed: the database cannot be used.
        """
        events = await self._store.run(lambda database: database.events(ACTIVITY_SHOWN))
        self._recent = deque(_shown(events), maxlen=ACTIVITY_SHOWN)

    async def history(self, subject: str) -> list[Activity]:
        """Return the entries about a share or download of that name, newest first.

        Raises:
            SystemFailed: the database cannot be used.
        """
        shown = for_display(redact(subject))
        return [event for event in await self.latest(EVENTS_KEPT) if event.subject == shown][:ACTIVITY_SHOWN]

    async def latest(self, limit: int) -> list[Activity]:
        """Return the last entries, newest first.

        Raises:
            SystemFailed: the database cannot be used.
        """
        with contextlib.suppress(SystemFailed):  # earlier entries can still be read
            await self.write()
        events = await self._store.run(lambda database: database.events(limit))
        return list(_shown(events))

    async def run(self) -> None:
        """Save new entries, several at a time when they come fast, until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            try:
                await self.write()
            except SystemFailed as error:
                _log.error("Cannot save the activity log: %s", error.detail)
                await asyncio.sleep(_RETRY_SECONDS)
                self._some.set()

    async def write(self) -> None:
        """Save the entries that are not saved yet.

        Raises:
            SystemFailed: the database cannot be used; saving is retried later.
        """
        if self._writing is not None:  # its entries come first, also if they must be saved again
            await asyncio.wait({self._writing})
        if self._writing is None and self._unwritten:
            self._writing = asyncio.create_task(self._write())
            self._writing.add_done_callback(self._note_written)
        if (
            self._writing is not None
        ):  # it was begun by another caller, perhaps, and saves the entries of both
            # The store finishes what it has begun, so its result has to be awaited.
            await asyncio.shield(self._writing)

    def _note_written(self, _: asyncio.Task[None]) -> None:
        self._writing = None

    async def _write(self) -> None:
        events = tuple(self._unwritten)
        self._unwritten.clear()
        try:
            written = await self._store.run(lambda database: _write_down(database, events))
        except SystemFailed:
            self._unwritten = deque([*events, *self._unwritten], maxlen=_UNWRITTEN)
            raise
        self._recent.extendleft(_shown(reversed(written)))
        self._events.publish(ActivitySaved())


def _write_down(database: Database, events: Sequence[EventRecord]) -> list[EventRecord]:
    """Save entries and return them, newest first, with the ids that the database has assigned."""
    database.note(events)
    return database.events(min(len(events), ACTIVITY_SHOWN))


def _shown(events: Iterable[EventRecord]) -> Iterator[Activity]:
    """Yield the entries as clients see them, without those whose rows are damaged."""
    for event in events:
        try:
            shown = msgspec.convert(event, Activity, from_attributes=True)
            (shown.subject + shown.detail).encode()
        except ValueError as error:  # a wrong type, or not UTF-8
            _log.warning("Cannot show an entry of the activity log: %s", for_display(str(error)))
        else:
            yield shown
