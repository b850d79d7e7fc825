"""Records about introductions: whom this agent introduces, who was introduced to it, and who was ever known.

Owns their shapes. Must not decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IntroductionState(StrEnum):
    """What became of an introduction that a link is to carry."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    """The recipient's agent has it; whether they accept is theirs to know."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class GivenIntroduction:
    """One user introduced by this agent to another; times in Unix seconds. Signed when it is sent.

    Attributes:
        recipient: Ed25519 public key of the recipient's card, 32 bytes.
        introduced: of the card that they are told of.
        team: group for whose sake, without ``@``; empty: none.
        sequence: grows each time these two are introduced again.
        at: when `state` was entered.
        detail: why it is refused or waits, as the recipient's agent stated it; not free of control characters.
    """

    recipient: bytes
    introduced: bytes
    team: str
    sequence: int
    at: int
    state: IntroductionState = IntroductionState.WAITING
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedIntroduction:
    """The newest introduction of one card by one user, until it is accepted; times in Unix seconds.

    Attributes:
        introducer: Ed25519 public key of the introducer's card, 32 bytes.
        introduced: of the card in it.
        sequence: of the introduction; a lower one never replaces it.
        at: when it came.
        signed: the introduction, see `tuishare.link.introduction`.
        declined: whether the user does not want it.
    """

    introducer: bytes
    introduced: bytes
    sequence: int
    at: int
    signed: bytes
    declined: bool = False


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A card that is, or was, in the user book.

    Attributes:
        signer: Ed25519 public key, 32 bytes.
        name: of the user.
        removed: when the user was missing first, Unix seconds; 0: they are in the book.
    """

    signer: bytes
    name: str
    removed: int = 0
