"""Introductions: whom other users introduce to this agent's user, and whom this agent introduces to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Message, Name, UnixTime


class Introduction(Message, frozen=True, kw_only=True):
    """A user's word about the card of another, which waits to be accepted.

    Attributes:
        id: 32 hexadecimal digits.
        introducer: name in the user book.
        name: on the card of the introduced; untrusted text.
        fingerprint: of that card, base32.
        words: the same to be read aloud, separated by spaces.
        group: in which the introducer has both of you, without ``@``; untrusted text; empty: in none.
        at: when it came, Unix seconds.
        declined: it was declined, and can still be accepted.
        taken: another user has that name already, so that they would get another one.
    """

    id: str
    introducer: str
    name: str
    fingerprint: str
    words: str
    group: str = ""
    at: UnixTime
    declined: bool = False
    taken: bool = False


class GivenState(StrEnum):
    """What became of an introduction that this agent gives."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    """Their agent has it; whether they accept is theirs to know."""
    REFUSED = "refused"


class GivenIntroduction(Message, frozen=True, kw_only=True):
    """A user whom this agent introduces to another.

    Attributes:
        user: who is told, name in the user book.
        introduced: whose card they are given, name in the user book.
        group: for whose sake, without ``@``; empty: none.
        state: how far it is.
        at: when it entered that state, Unix seconds.
        detail: why it is refused or waits, from their agent; untrusted text.
    """

    user: str
    introduced: str
    group: str = ""
    state: GivenState
    at: UnixTime
    detail: str = ""


class Introductions(Message, frozen=True, kw_only=True):
    """The introductions in both directions.

    Attributes:
        received: to this agent's user and not accepted, oldest first.
        given: by this agent.
    """

    received: tuple[Introduction, ...] = ()
    given: tuple[GivenIntroduction, ...] = ()


class UsersToIntroduce(Message, frozen=True, kw_only=True):
    """Users to be introduced to each other.

    Attributes:
        names: of users, and of groups with ``@``.
    """

    names: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=256)]


class UsersIntroduced(Message, frozen=True, kw_only=True):
    """Users who are introduced to each other from now on, as soon as their agents answer.

    Attributes:
        users: names in the user book.
        left_out: members of the groups who are not introduced, because they are not verified.
    """

    users: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class IntroductionNamed(Message, frozen=True, kw_only=True):
    """The introduction that a request is about.

    Attributes:
        id: 32 hexadecimal digits.
    """

    id: Annotated[str, msgspec.Meta(min_length=32, max_length=32)]


class IntroductionAccepted(Message, frozen=True, kw_only=True):
    """An introduction that the user accepts: the introduced becomes an unverified user.

    Attributes:
        id: 32 hexadecimal digits.
        name: for them; empty: that of their card, or one like it that is free.
        groups: that they join, without ``@``.
        admitted: what they send needs no approval.
    """

    id: Annotated[str, msgspec.Meta(min_length=32, max_length=32)]
    name: Annotated[str, msgspec.Meta(max_length=256)] = ""
    groups: Annotated[tuple[Name, ...], msgspec.Meta(max_length=256)] = ()
    admitted: bool = False


class GroupChange(Message, frozen=True, kw_only=True):
    """What is to change about a group.

    Attributes:
        name: without ``@``.
        introduce: its verified members are introduced to each other, now and as they join.
    """

    name: Name
    introduce: bool
