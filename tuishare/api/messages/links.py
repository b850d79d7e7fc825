"""Links to the agents of other users and to a hub, and what became of the envelopes that they hand over."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, Message, UnixTime
from tuishare.api.messages.receipts import ReceiptState
from tuishare.core.faults import Fault


class HandoverState(StrEnum):
    """How the newest envelope of a share reaches one recipient."""

    BY_HAND = "by-hand"
    """No link leads to them: it is in the outbox."""
    WAITING = "waiting"
    HANDED_OVER = "handed-over"
    REFUSED = "refused"


class Handover(Message, frozen=True, kw_only=True):
    """How the newest envelope of a share reaches one recipient.

    Attributes:
        state: how far it is.
        at: when it entered that state, Unix seconds; 0: unknown.
        detail: why it is refused or waits, from the recipient's agent; untrusted text.
        addresses: at how many addresses their agent was called without an answer.
        tried: when their agent was called last without an answer, Unix seconds; 0: it was not.
        receipt: what their agent has signed last about this envelope; None: nothing.
        problem: what keeps them from the payload, as their agent tells; None: nothing.
        hub: since when it is in their mailbox on a hub, Unix seconds; 0: it is not.
    """

    state: HandoverState = HandoverState.BY_HAND
    at: UnixTime = 0
    detail: str = ""
    addresses: Count = 0
    tried: UnixTime = 0
    receipt: ReceiptState | None = None
    problem: Fault | None = None
    hub: UnixTime = 0


class Unanswered(Message, frozen=True, kw_only=True):
    """The last call of a user's agent, which it did not answer.

    Attributes:
        addresses: at how many addresses it was called.
        tried: when, Unix seconds.
    """

    addresses: Count
    tried: UnixTime
    hub: UnixTime = 0


class Link(Message, frozen=True, kw_only=True):
    """The link to the agent of one verified user.

    Attributes:
        user: name in the user book.
        since: since when it is open, Unix seconds; 0: it is not.
        away: since when it is not, as far as this agent has seen since it started, Unix seconds; 0: unknown.
        called: this agent called, not theirs.
        addresses: of their agent, ``host:port``, best first; empty: none is known.
        waiting: how many envelopes wait to be handed over to them.
        error: why there is none, one sentence; empty while it is open, or while nothing was tried.
        tried: when their agent was called last without an answer, Unix seconds; 0: it was not.
    """

    user: str
    since: UnixTime = 0
    away: UnixTime = 0
    called: bool = False
    addresses: tuple[str, ...] = ()
    waiting: Count = 0
    error: str = ""
    tried: UnixTime = 0


class HubString(Message, frozen=True, kw_only=True):
    """The string by which an agent becomes a member of a hub; a secret until it is used."""

    text: Annotated[str, msgspec.Meta(max_length=4096)]


class HubJoined(Message, frozen=True, kw_only=True):
    """The agent is a member of the hub at this address, ``host:port``."""

    address: str
