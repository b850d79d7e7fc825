"""Links to the agents of other users, and what became of the envelopes that they hand over."""

from __future__ import annotations

from enum import StrEnum

from tuishare.api.messages.base import Count, Message, UnixTime


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
    """

    state: HandoverState = HandoverState.BY_HAND
    at: UnixTime = 0
    detail: str = ""
    addresses: Count = 0
    tried: UnixTime = 0


class Link(Message, frozen=True, kw_only=True):
    """The link to the agent of one verified user.

    Attributes:
        user: name in the user book.
        since: since when it is open, Unix seconds; 0: it is not.
        called: this agent called, not theirs.
        addresses: how many addresses of their agent are known.
        waiting: how many envelopes wait to be handed over to them.
        error: why there is none, one sentence; empty while it is open, or while nothing was tried.
        tried: when their agent was called last without an answer, Unix seconds; 0: it was not.
    """

    user: str
    since: UnixTime = 0
    called: bool = False
    addresses: Count = 0
    waiting: Count = 0
    error: str = ""
    tried: UnixTime = 0
