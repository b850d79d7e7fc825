"""What a client may ask the agent to do with people, folders and settings.

Owns these messages only; `tuishare.api.service.AgentService` carries them out. Each is the body of one POST.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tuishare.api.messages import Message

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Groups = Annotated[tuple[Name, ...], msgspec.Meta(max_length=256)]


class NewUser(Message, frozen=True, kw_only=True):
    """Somebody to add: by his card, by a key that he has already, or by one that is made now (neither).

    Attributes:
        card: the string ``tuishare-card-v1:…``, or empty.
        key: 64 hexadecimal digits, or empty.
        verified: a person compared the fingerprint of the card.
    """

    name: Name
    card: Annotated[str, msgspec.Meta(max_length=16_384)] = ""
    key: Annotated[str, msgspec.Meta(max_length=128)] = ""
    groups: _Groups = ()
    verified: bool = False


class UserAdded(Message, frozen=True, kw_only=True):
    """Answer to `NewUser` and to a rotated key: the key that was made, told this once; empty where none was."""

    name: str
    key: str = ""


class UserChange(Message, frozen=True, kw_only=True):
    """What is to be different about a user; None leaves it as it is.

    Attributes:
        card: a new one that takes the place of the old and is not verified yet, or the old one's word for its
            successor (``tuishare-succession-v1:…``), after which he is as verified as before.
        verified: whether a person compared the fingerprint.
        fingerprint: base32 of the card that this is about: refused when he has another one meanwhile. Empty: of
            whatever card he has.
    """

    name: Name
    groups: _Groups | None = None
    verified: bool | None = None
    accept_raw: bool | None = None
    card: Annotated[str, msgspec.Meta(max_length=32_768)] | None = None
    fingerprint: Annotated[str, msgspec.Meta(max_length=64)] = ""


class UserNamed(Message, frozen=True, kw_only=True):
    """Whom an order is about: to remove, to revoke everywhere, to give a new key."""

    name: Name


class CardText(Message, frozen=True, kw_only=True):
    """A card, or one card's word for the next, to look at before it is added."""

    card: Annotated[str, msgspec.Meta(max_length=32_768)]


class CardInfo(Message, frozen=True, kw_only=True):
    """What stands in a card.

    Attributes:
        name: that its owner chose; untrusted text.
        fingerprint: base32.
        words: the same to be read aloud, separated by spaces.
        known_as: the user in our book who has this card, or the one that it succeeds; or empty.
    """

    name: str
    fingerprint: str
    words: str
    known_as: str = ""


class DropChange(Message, frozen=True, kw_only=True):
    """A drop folder to add, or with other users in the place of the one with the same path.

    Attributes:
        path: absolute, or beginning with ``~``.
        users: users and ``@groups``, at least one.
    """

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    users: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=1024)]
    transport: Literal["tls", "plain"] = "tls"


class DropNamed(Message, frozen=True, kw_only=True):
    """The drop folder that is to be one no longer; what lies in it stays."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class SettingsText(Message, frozen=True, kw_only=True):
    """The person's own settings file as it is, or as it is to be.

    Attributes:
        path: of the file.
        text: TOML with its comments.
        stamp: of the text as the agent told it; whoever sends it back is refused when the file was changed since.
            Empty: the file is replaced whatever stands in it.
    """

    text: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    path: str = ""
    stamp: Annotated[str, msgspec.Meta(max_length=128)] = ""


class SettingChange(Message, frozen=True, kw_only=True):
    """One setting to change; the comments of the file stay.

    Attributes:
        key: dotted, such as ``limits.upload``.
        value: as a person types it: no quotes, ``true`` or ``false``, numbers.
    """

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    value: Annotated[str, msgspec.Meta(max_length=4096)]
