"""Users and the agent's own card: what clients see of them, and how they change them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, Message, Name, UnixTime
from tuishare.api.messages.introductions import Introduction

_Groups = Annotated[tuple[Name, ...], msgspec.Meta(max_length=256)]


class UserKind(StrEnum):
    """By what a user is known."""

    CARD = "card"
    KEY = "key"


class UserOrigin(StrEnum):
    """How a user became known."""

    BY_HAND = "by-hand"
    """Their card or key was added; no fingerprint was compared."""
    COMPARED = "compared"
    """A person compared the fingerprint of their card."""
    INVITED = "invited"
    """By an invitation, theirs or ours."""
    INTRODUCED = "introduced"
    """By another user's word; they are not verified."""


class User(Message, frozen=True, kw_only=True):
    """A user in the user book.

    Attributes:
        name: in the user book.
        kind: by what the user is known.
        fingerprint: of their card, base32; empty for a key.
        words: the same to be read aloud, separated by spaces; empty for a key.
        verified: a person compared the fingerprint, or an invitation for one person was exchanged.
        origin: how they became known.
        groups: names without ``@``.
        accept_raw: envelopes in the raw form may be accepted with their key.
        shares: how many shares are sealed for them now.
        complete: how many of those they have completely.
        seen: when they were last seen at one of them, Unix seconds; 0: never.
        former: base32 fingerprints of earlier cards that they replaced by the present one, latest first.
        introduced_by: name of the user who introduced them; empty if they became known in another way.
        admitted: what they send needs no approval although they are not verified.
        introduces: those whom they introduce become users without a question, while they are verified.
        card: the string ``tuishare-card-v1:…``; empty for a key, and in snapshots, which it would make too long.
    """

    name: str
    kind: UserKind
    fingerprint: str = ""
    words: str = ""
    verified: bool = False
    origin: UserOrigin = UserOrigin.BY_HAND
    groups: tuple[str, ...] = ()
    accept_raw: bool = False
    shares: Count = 0
    complete: Count = 0
    seen: UnixTime = 0
    former: tuple[str, ...] = ()
    introduced_by: str = ""
    admitted: bool = False
    introduces: bool = False
    card: str = ""


class People(Message, frozen=True, kw_only=True):
    """The users in the user book, and the agent's own card.

    Attributes:
        card: the agent's own, to be given to others.
        fingerprint: of that card, base32.
        words: the same to be read aloud, separated by spaces.
        succession: the previous card's signed statement for this one, to be given to users who have the previous card;
            empty if there is none.
        users: in the order in which they were added, with their groups.
        introduced_groups: whose verified members are introduced to each other as they join, without ``@``.
        introductions: of others by verified users, which wait to be accepted or declined; none without an agent.
    """

    card: str = ""
    fingerprint: str = ""
    words: str = ""
    succession: str = ""
    users: tuple[User, ...] = ()
    introduced_groups: tuple[str, ...] = ()
    introductions: tuple[Introduction, ...] = ()


class NewUser(Message, frozen=True, kw_only=True):
    """A user to add: by their card, by a key that they have already, or (with neither) by a key that is made now.

    Attributes:
        name: to use for them.
        card: the string ``tuishare-card-v1:…``, or empty.
        key: 64 hexadecimal digits, or empty.
        groups: names without ``@``.
        verified: a person compared the fingerprint of the card.
    """

    name: Name
    card: Annotated[str, msgspec.Meta(max_length=16_384)] = ""
    key: Annotated[str, msgspec.Meta(max_length=128)] = ""
    groups: _Groups = ()
    verified: bool = False


class UserAdded(Message, frozen=True, kw_only=True):
    """A user was added, or has another key.

    Attributes:
        name: in the user book.
        key: that was made, shown this once; empty if none was.
    """

    name: str
    key: str = ""


class UserChange(Message, frozen=True, kw_only=True):
    """What is to change about a user; None leaves it as it is.

    Attributes:
        name: of the user.
        groups: all groups that they are to be in.
        join: groups to put them into, besides those they are in.
        leave: groups to take them out of; refused if they are not in one of them.
        verified: whether a person compared the fingerprint.
        accept_raw: whether envelopes in the raw form are accepted with their key.
        admitted: whether what they send needs no approval although they are not verified.
        introduces: whether those whom they introduce, now and later, become users without a question.
        card: a new one in place of the old, not verified yet; or the old one's statement for its successor
            (``tuishare-succession-v1:…``), after which the user is as verified as before.
        fingerprint: base32 of the card that this is about: refused if the user has another one meanwhile. Empty: of
            whatever card they have.
    """

    name: Name
    groups: _Groups | None = None
    join: _Groups = ()
    leave: _Groups = ()
    verified: bool | None = None
    accept_raw: bool | None = None
    admitted: bool | None = None
    introduces: bool | None = None
    card: Annotated[str, msgspec.Meta(max_length=32_768)] | None = None
    fingerprint: Annotated[str, msgspec.Meta(max_length=64)] = ""


class UserNamed(Message, frozen=True, kw_only=True):
    """The user that a request is about.

    Attributes:
        name: in the user book.
    """

    name: Name


class CardText(Message, frozen=True, kw_only=True):
    """A card, or a card's statement for its successor, to look at before it is added.

    Attributes:
        card: ``tuishare-card-v1:…`` or ``tuishare-succession-v1:…``.
    """

    card: Annotated[str, msgspec.Meta(max_length=32_768)]


class CardInfo(Message, frozen=True, kw_only=True):
    """The content of a card.

    Attributes:
        name: that its owner chose; untrusted text.
        fingerprint: base32.
        words: the same to be read aloud, separated by spaces.
        known_as: the user who has this card, or the one that it succeeds; or empty.
        card: the string ``tuishare-card-v1:…``.
    """

    name: str
    fingerprint: str
    words: str
    known_as: str = ""
    card: str = ""
