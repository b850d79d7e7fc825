"""What is stored about invitations: those given out, who came with them, and those being used.

Owns the three records. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class JoinerState(StrEnum):
    """How far one who holds an invitation has come with it."""

    TRIED = "tried"
    """They were refused: it was used, or had ended."""
    ASKS = "asks"
    """They wait for the user's approval."""
    APPROVED = "approved"
    """They are let in when they call again."""
    DECLINED = "declined"
    JOINED = "joined"
    """One use of it is theirs; they are about to become a user."""
    ADDED = "added"
    """They are, or were, in the user book."""

    @property
    def is_use(self) -> bool:
        """Whether it counts as a use of the invitation."""
        return self in {JoinerState.JOINED, JoinerState.ADDED}


@dataclass(frozen=True, slots=True)
class InvitationRecord:
    """An invitation that this agent gave out; times in Unix seconds.

    Attributes:
        id: 16 bytes, see `tuishare.link.invitation`.
        text: the string, a secret until it is used up.
        until: not usable from then on.
        name: for the user who joins; empty: the name of their card.
        teams: groups that they join, without ``@``.
        uses: how many users may be added by it.
        ask: whether each of them needs the user's approval.
    """

    id: bytes
    text: str = field(repr=False)
    created: int
    until: int
    name: str = ""
    teams: tuple[str, ...] = ()
    uses: int = 1
    ask: bool = False


@dataclass(frozen=True, slots=True)
class JoinerRecord:
    """One who proved to hold an invitation of ours.

    Attributes:
        invitation: id of the invitation.
        card: theirs, encoded.
        called: the name on their card; untrusted text.
        at: when `state` was entered, Unix seconds.
        user: name in the user book; empty before they join.
        words: four words that both sides can compare.
        host: address that they called from.
        was_known: they were a user before, so that cancelling the invitation must not remove them.
        teams: groups that such a user joined by it, without ``@``.
        verifies: such a user was not verified before, and is by it.
    """

    invitation: bytes
    card: bytes = field(repr=False)
    called: str
    at: int
    state: JoinerState
    words: str
    host: str
    user: str = ""
    was_known: bool = False
    teams: tuple[str, ...] = ()
    verifies: bool = False


@dataclass(frozen=True, slots=True)
class JoinRecord:
    """An invitation of another agent that this one uses; times in Unix seconds.

    Attributes:
        id: of the invitation.
        text: the string, a secret.
        since: when the user gave it to the agent.
        until: not usable from then on, by the inviter's clock.
        tried: when the inviter was called last; 0: never.
        error: why that led to nothing, one sentence.
        words: four words that both sides can compare, while the inviter has to approve; empty before.
    """

    id: bytes
    text: str = field(repr=False)
    since: int
    until: int
    tried: int = 0
    error: str = ""
    words: str = ""
