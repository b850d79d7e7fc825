"""What happens inside the agent, as typed events, and the bus that carries them.

Owns the events and who receives which. Parts publish what they did and do not know who acts on it; who does is
decided in one place, `tuishare.agent.startup`. Must not act on any event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from tuishare.core.records import EventRecord, ShareRecord
from tuishare.people import UserBook
from tuishare.tracker import PeerAnnounced


@dataclass(frozen=True, slots=True)
class ActivityRecorded:
    """The activity log has a new entry, which may not be on disk yet."""

    entry: EventRecord


@dataclass(frozen=True, slots=True)
class ActivitySaved:
    """More entries of the activity log can be shown."""


@dataclass(frozen=True, slots=True)
class DiskStateChanged:
    """Writes to a disk wait for it, or no longer do."""


@dataclass(frozen=True, slots=True)
class SettingsReloaded:
    """Settings or users were read again, and may be other ones."""


@dataclass(frozen=True, slots=True)
class UserBookRead:
    """The user book was read and is usable."""

    book: UserBook


@dataclass(frozen=True, slots=True)
class ShareSealed:
    """There is an envelope of a share for its recipients; its record says so once all have dealt with this event.

    Attributes:
        share: as it was sealed; `envelope` names the file.
        envelope: all bytes of the file.
    """

    share: ShareRecord
    envelope: bytes


@dataclass(frozen=True, slots=True)
class EnvelopeWithdrawn:
    """The envelope of a share must not be handed over any more: the share ended, or has another one now."""

    share: ShareRecord


@dataclass(frozen=True, slots=True)
class DownloadsChanged:
    """A download has joined a swarm, or its payload has to be compared: other payloads have to be watched."""


@dataclass(frozen=True, slots=True)
class ApprovalEnded:
    """A download no longer waits for approval: there is room for another that does."""


AgentEvent: TypeAlias = (
    ActivityRecorded
    | ActivitySaved
    | DiskStateChanged
    | SettingsReloaded
    | UserBookRead
    | ShareSealed
    | EnvelopeWithdrawn
    | DownloadsChanged
    | ApprovalEnded
    | PeerAnnounced
)
_EventT = TypeVar("_EventT", bound=AgentEvent)


class EventBus:
    """Carries events to those who subscribed to their type, in the order of their subscriptions."""

    def __init__(self) -> None:
        self._handlers: defaultdict[type, list[Callable[[Any], object]]] = defaultdict(list)
        self._async_handlers: defaultdict[type, list[Callable[[Any], Awaitable[object]]]] = defaultdict(list)

    def subscribe(self, kind: type[_EventT], handler: Callable[[_EventT], None]) -> None:
        """Have a function called with each event of a type; it must return at once."""
        self._handlers[kind].append(handler)

    def subscribe_async(self, kind: type[_EventT], handler: Callable[[_EventT], Awaitable[None]]) -> None:
        """Have a coroutine awaited with each event of a type that is published by `publish_and_wait`."""
        self._async_handlers[kind].append(handler)

    def publish(self, event: AgentEvent) -> None:
        """Tell all who subscribed; what they raise is raised here."""
        for handler in self._handlers[type(event)]:
            handler(event)

    async def publish_and_wait(self, event: AgentEvent) -> None:
        """Tell all who subscribed, one after another, and wait until each has dealt with it.

        An event whose effects must be there before its record says so is published in this way; after a crash it is
        published again.
        """
        self.publish(event)
        for handler in self._async_handlers[type(event)]:
            await handler(event)
