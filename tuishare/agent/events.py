"""Signals inside the agent: typed events on a bus, and the signal that something visible to clients has changed.

Owns the events and their subscribers, and the revision number that clients wait for. A part publishes what it did and
does not know which parts act on it; they are subscribed in one place, `tuishare.agent.startup`. Must not act on any
event.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tuishare.core.records import EventRecord, HandoverRecord, ShareRecord
from tuishare.errors import TuishareError
from tuishare.people import UserBook
from tuishare.tracker import PeerAnnounced


@dataclass(frozen=True, slots=True)
class ActivityRecorded:
    """The activity log has a new entry, which may not be on disk yet."""

    entry: EventRecord


@dataclass(frozen=True, slots=True)
class ActivitySaved:
    """New entries of the activity log are on disk and can be shown."""


@dataclass(frozen=True, slots=True)
class DiskStateChanged:
    """Writes have begun to wait for a disk, or no longer wait."""


@dataclass(frozen=True, slots=True)
class SettingsReloaded:
    """Settings and users were read again and may have changed."""


@dataclass(frozen=True, slots=True)
class UserBookRead:
    """The user book was read and is usable."""

    book: UserBook


@dataclass(frozen=True, slots=True)
class ShareSealed:
    """A share was sealed for its recipients; its record is saved once all subscribers have handled this event.

    Attributes:
        share: as it was sealed; its `envelope` is the name of the file.
        envelope: all bytes of the file.
    """

    share: ShareRecord
    envelope: bytes


@dataclass(frozen=True, slots=True)
class EnvelopeWithdrawn:
    """The envelope of a share must no longer be handed over: the share has ended, or has another envelope."""

    share: ShareRecord


@dataclass(frozen=True, slots=True)
class HandoverRecorded:
    """What became of the newest envelope of a share for one recipient was recorded.

    Attributes:
        share: id of the share.
    """

    share: str


@dataclass(frozen=True, slots=True)
class EnvelopeRefused:
    """A recipient's agent does not take the newest envelope of a share; not recorded yet."""

    handover: HandoverRecord


@dataclass(frozen=True, slots=True)
class EntryOutdated:
    """An entry has changed while it was read, or may be judged differently now: its folder is to look at it again.

    Attributes:
        path: of the entry.
    """

    path: Path


@dataclass(frozen=True, slots=True)
class DownloadDiscarded:
    """A download was removed before its payload was delivered, so its envelope is to leave the inbox.

    Attributes:
        envelope: name of the file.
        reason: to be shown beside it.
    """

    envelope: str
    reason: TuishareError


@dataclass(frozen=True, slots=True)
class RecipientExcluded:
    """A user loses access to a share: nothing more of it is handed over to them; not recorded yet."""

    share: str
    user: str


@dataclass(frozen=True, slots=True)
class AddressRecordFound:
    """An envelope of a user held their address record, which is not verified.

    Attributes:
        signer: of the envelope.
        signed: the record.
    """

    signer: bytes
    signed: bytes


@dataclass(frozen=True, slots=True)
class AddressRecordKept:
    """A user can be reached at other addresses, or for the first time.

    Attributes:
        signer: Ed25519 public key of their card.
    """

    signer: bytes


@dataclass(frozen=True, slots=True)
class EnvelopeRejected:
    """A file of the inbox was rejected.

    Attributes:
        name: that it had in the inbox.
        reason: why; without a traceback.
    """

    name: str
    reason: TuishareError


@dataclass(frozen=True, slots=True)
class EnvelopeLocked:
    """A file of the inbox is kept until it can be opened, or until there is room for it; attributes as above."""

    name: str
    reason: TuishareError


@dataclass(frozen=True, slots=True)
class DownloadsChanged:
    """A download has joined a swarm, or its payload is to be compared: other payloads are to be watched."""


@dataclass(frozen=True, slots=True)
class ApprovalEnded:
    """A download no longer waits for approval, which makes room for another."""


AgentEvent: TypeAlias = (
    ActivityRecorded
    | ActivitySaved
    | DiskStateChanged
    | SettingsReloaded
    | UserBookRead
    | ShareSealed
    | EnvelopeWithdrawn
    | HandoverRecorded
    | EnvelopeRefused
    | EntryOutdated
    | DownloadDiscarded
    | RecipientExcluded
    | AddressRecordFound
    | AddressRecordKept
    | EnvelopeRejected
    | EnvelopeLocked
    | DownloadsChanged
    | ApprovalEnded
    | PeerAnnounced
)
_EventT = TypeVar("_EventT", bound=AgentEvent)


class EventBus:
    """Carries events to the subscribers of their type, in the order of subscription."""

    def __init__(self) -> None:
        self._handlers: defaultdict[type, list[Callable[[Any], object]]] = defaultdict(list)
        self._async_handlers: defaultdict[type, list[Callable[[Any], Awaitable[object]]]] = defaultdict(list)

    def subscribe(self, kind: type[_EventT], handler: Callable[[_EventT], None]) -> None:
        """Call a function with each event of a type; it must return at once."""
        self._handlers[kind].append(handler)

    def subscribe_async(self, kind: type[_EventT], handler: Callable[[_EventT], Awaitable[None]]) -> None:
        """Await a coroutine with each event of a type that is published by `publish_and_wait`."""
        self._async_handlers[kind].append(handler)

    def publish(self, event: AgentEvent) -> None:
        """Call all subscribers; their exceptions are raised here."""
        for handler in self._handlers[type(event)]:
            handler(event)

    async def publish_and_wait(self, event: AgentEvent) -> None:
        """Call all subscribers, one after another, and wait until each has handled the event.

        For events whose effects must be done before they are recorded; after a crash they are published again.
        """
        self.publish(event)
        for handler in self._async_handlers[type(event)]:
            await handler(event)


class ChangeSignal:
    """A revision number that can be waited for.

    A caller passes the revision that it has seen, so no change is missed between two waits, and any number of
    changes in between wake it once. All methods belong to the event loop's thread.
    """

    __slots__ = ("_revision", "_waiting")

    def __init__(self) -> None:
        self._revision = 0
        self._waiting: list[
            asyncio.Future[None]
        ] = []  # each contact has a signal; an `asyncio.Event` takes 0.8 KiB

    @property
    def revision(self) -> int:
        """The present revision; every `notify` increments it."""
        return self._revision

    def notify(self) -> None:
        """Report that something visible to clients has changed."""
        self._revision += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait_for_change(self, revision: int) -> int:
        """Wait until the revision is greater than the given one.

        Args:
            revision: the last one that the caller has handled.

        Returns:
            The present revision.
        """
        while self._revision <= revision:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                await waiting
            finally:
                self._waiting.remove(waiting)
        return self._revision
