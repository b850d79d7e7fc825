"""Shares: what clients see of them, and what they may ask for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, FilePath, Fraction, LeftOut, Message, Name, ShareId, UnixTime
from tuishare.api.messages.links import Handover, HandoverState
from tuishare.config.model import Transport


class ShareState(StrEnum):
    """Where a share stands on its way from dropped to seeded."""

    SETTLING = "settling"
    HASHING = "hashing"
    SEALING = "sealing"
    SEEDING = "seeding"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    PROBLEM = "problem"


class DeliveryState(StrEnum):
    """How far one recipient is with one share."""

    NOT_OPENED = "not-opened"
    DOWNLOADING = "downloading"
    COMPLETE = "complete"
    REVOKED = "revoked"


class Delivery(Message, frozen=True, kw_only=True):
    """How far one recipient is with one share.

    Attributes:
        user: name in the user book.
        state: where the recipient stands.
        progress: of the payload.
        rate: bytes per second that are sent to them now.
        left: bytes that they still lack; the size of the share while that is unknown.
        sealed: when their ticket was sealed, Unix seconds.
        opened: when they were first seen; 0: not yet.
        completed: when they had all of it; 0: not yet.
        seen: when they were last seen; 0: never.
        revoked: when their ticket was revoked; 0: it was not.
        handover: how the envelope reaches them.
    """

    user: str
    state: DeliveryState
    progress: Fraction
    rate: Count = 0
    left: Count = 0
    sealed: UnixTime = 0
    opened: UnixTime = 0
    completed: UnixTime = 0
    seen: UnixTime = 0
    revoked: UnixTime = 0
    handover: Handover = Handover()

    @property
    def must_be_carried(self) -> bool:
        """Whether the envelope reaches them only if a person carries it: no link leads to them, or none answers."""
        silent = self.handover.state is HandoverState.WAITING and self.handover.tried > 0
        by_hand = self.handover.state is HandoverState.BY_HAND
        return self.state is DeliveryState.NOT_OPENED and (silent or by_hand)


class Share(Message, frozen=True, kw_only=True):
    """Something this agent publishes.

    Attributes:
        id: of the share.
        name: of its file or folder; untrusted text.
        recipients: as configured, e.g. ``("@crew",)``, without users who were taken out by name.
        size: of the payload, bytes; what is known so far while it settles.
        files: number of files.
        state: where it stands.
        progress: of the step that `state` names; 1 while seeding.
        rate_up: bytes per second.
        uploaded: bytes sent since the share was made.
        peers: connected now.
        generation: 1, 2, ... as content or recipients change.
        added: when it was noticed, Unix seconds.
        transport: ``tls`` or ``plain``.
        path: of the payload on disk.
        detail: what is wrong, or what it waits for while it settles; or empty.
        hint: what to do about it, or empty.
        note: for the recipients; untrusted text.
        not_after: when it is withdrawn, Unix seconds; 0: never.
        envelope: path of the file to carry by hand, while the envelope does not reach a recipient by link; or empty.
        deliveries: one for each recipient that has or had a ticket; empty before it is sealed.
        left_out: what of the payload is not shared, by reason.
    """

    id: ShareId
    name: str
    recipients: tuple[str, ...]
    size: Count
    files: Count
    state: ShareState
    progress: Fraction
    rate_up: Count
    uploaded: Count
    peers: Count
    generation: Count
    added: UnixTime
    transport: Transport
    path: str
    detail: str = ""
    hint: str = ""
    note: str = ""
    not_after: UnixTime = 0
    envelope: str = ""
    deliveries: tuple[Delivery, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class ShareAction(StrEnum):
    """What a client can do with one share."""

    PAUSE = "pause"
    """Stop seeding for now."""
    RESUME = "resume"
    """Seed again; retry after a problem."""
    AGAIN = "again"
    """Make a new generation with a new envelope."""
    FORGET = "forget"
    """Stop sharing; the payload stays."""
    DELETE = "delete"
    """Stop sharing and delete the payload."""


class NewShare(Message, frozen=True, kw_only=True):
    """A file or folder to share, outside the drop folders; one that is shared already keeps all its recipients.

    Attributes:
        path: absolute, or beginning with ``~``.
        recipients: users and ``@groups``, at least one, including all who have it.
        transport: ``tls`` or ``plain``.
        note: for the recipients; empty: the one that it has.
        not_after: when it is withdrawn, Unix seconds; 0: as before, never for something new.
    """

    path: FilePath
    recipients: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=1024)]
    transport: Transport = "tls"
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    not_after: UnixTime = 0
