"""Messages of invitations: those of this agent, who has joined with them, and joins with those of others."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, Message, Name, UnixTime


class NewInvitation(Message, frozen=True, kw_only=True):
    """An invitation to make.

    Attributes:
        name: for the user who joins; empty: the name of their card.
        groups: that they join, without ``@``.
        until: not usable from then on, Unix seconds.
        uses: how many users may be added by it; more than one makes unverified users.
        ask: whether each of them needs the user's approval.
    """

    name: Annotated[str, msgspec.Meta(max_length=256)] = ""
    groups: Annotated[tuple[Name, ...], msgspec.Meta(max_length=256)] = ()
    until: UnixTime
    uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    ask: bool = False


class JoinerState(StrEnum):
    """How far one who holds an invitation has come with it."""

    TRIED = "tried"
    """They were refused: it was used, or had ended."""
    ASKS = "asks"
    """They wait for the user's approval."""
    APPROVED = "approved"
    """They are let in when their agent calls again, within a minute."""
    DECLINED = "declined"
    JOINED = "joined"


class Joiner(Message, frozen=True, kw_only=True):
    """One who proved to hold an invitation.

    Attributes:
        fingerprint: of their card, base32.
        called: the name on their card; untrusted text.
        user: name in the user book; empty before they have joined.
        state: how far they have come.
        at: since when, Unix seconds.
        words: four words that both sides see, also while they wait for approval, and may compare.
        address: that they called from.
        was_known: they were a user before, whom cancelling the invitation does not remove.
    """

    fingerprint: str
    called: str
    user: str = ""
    state: JoinerState
    at: UnixTime
    words: str
    address: str
    was_known: bool = False


class Invitation(Message, frozen=True, kw_only=True):
    """An invitation that this agent gave out.

    Attributes:
        id: 32 hexadecimal digits; not a secret.
        text: the string ``tuishare-invite-v1:…``, a secret until it is used; empty in lists.
        name: for the user who joins; empty: the name of their card.
        groups: that they join, without ``@``.
        created: Unix seconds.
        until: not usable from then on, Unix seconds.
        uses: how many users may be added by it.
        ask: whether each of them needs the user's approval.
        outdated: it is of no use any more, because this agent has another identity or link key by now.
        joiners: who came with it, in the order of their last step; of those who did not get in, the last 20.
    """

    id: str
    text: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    created: UnixTime
    until: UnixTime
    uses: Count = 1
    ask: bool = False
    outdated: bool = False
    joiners: tuple[Joiner, ...] = ()

    @property
    def members(self) -> tuple[Joiner, ...]:
        """Those who have joined with it."""
        return tuple(joiner for joiner in self.joiners if joiner.state is JoinerState.JOINED)


class InvitationNamed(Message, frozen=True, kw_only=True):
    """The invitation that a request is about.

    Attributes:
        id: 32 hexadecimal digits.
    """

    id: Annotated[str, msgspec.Meta(min_length=32, max_length=32)]


class InvitationText(Message, frozen=True, kw_only=True):
    """An invitation of another agent.

    Attributes:
        text: ``tuishare-invite-v1:…``.
    """

    text: Annotated[str, msgspec.Meta(max_length=4_096)]


class JoinerAnswer(Message, frozen=True, kw_only=True):
    """The answer to one who asks to join.

    Attributes:
        id: of the invitation, 32 hexadecimal digits.
        fingerprint: of their card, base32.
        approve: let them in; otherwise they never are with this invitation.
    """

    id: Annotated[str, msgspec.Meta(min_length=32, max_length=32)]
    fingerprint: Annotated[str, msgspec.Meta(max_length=64)]
    approve: bool


class Joining(Message, frozen=True, kw_only=True):
    """An invitation of another agent that this one uses.

    Attributes:
        id: of the invitation, 32 hexadecimal digits.
        user: the inviter's name in the user book; empty while they are not reached: the agent calls them again.
        words: four words that both sides see and may compare, also while the inviter has to approve; empty before.
        verified: whether the inviter counts as verified.
        until: not usable from then on, Unix seconds.
        tried: when the inviter was called last, Unix seconds.
        error: why that led to nothing, one sentence.
    """

    id: str
    user: str = ""
    words: str = ""
    verified: bool = False
    until: UnixTime = 0
    tried: UnixTime = 0
    error: str = ""
