"""Users, drop folders and settings of a home, read from its files and changed in them.

Owns the translation between the messages of the API and the rules in `tuishare.people`, `tuishare.config` and
`tuishare.core`, for the agent and for `tuishare.api.offline_service`. Everything blocks: the agent calls it on a
thread. Must not know when a change takes effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tuishare.api.messages import (
    Accepted,
    CardInfo,
    CardText,
    DropChange,
    DropNamed,
    Folder,
    FolderState,
    GroupChange,
    NewUser,
    People,
    Reloaded,
    SettingChange,
    SettingsText,
    User,
    UserAdded,
    UserChange,
    UserKind,
    UserNamed,
    UserOrigin,
)
from tuishare.config.editing import read_config
from tuishare.config.model import Config, load_config
from tuishare.core import settings_rules
from tuishare.errors import BadInput, Refused
from tuishare.home_paths import Places
from tuishare.people import (
    Card,
    Identity,
    UserBook,
    UserDraft,
    add_to_book,
    card_of,
    edit_book,
    find_predecessor,
    format_key,
    give_card,
    let_introduce,
    load_book,
    parse_card,
    parse_succession,
    read_key_line,
    regroup,
    replace_key,
    rotate_identity,
    set_groups,
    trust,
)
from tuishare.people import User as KnownUser
from tuishare.people.key_rotation import SUCCESSION_PREFIX


class HomeFiles:
    """The files of one home; `tuishare.api.service.HomeService` documents each method.

    A `Reloaded` from here names no setting, because only an agent has settings in force.

    Args:
        places: of the home.
        own_signer: returns the home's own Ed25519 public key, 32 bytes; None while it has none.
    """

    def __init__(self, places: Places, own_signer: Callable[[], bytes | None]) -> None:
        self._places = places
        self._own_signer = own_signer

    def users(self) -> tuple[User, ...]:
        """Return the users in the user book, with their cards."""
        return tuple(describe_user(user, with_card=True) for user in load_book(self._places.users_file))

    def card_seen(self, card: CardText) -> CardInfo:
        """Return the content of a card, or of the successor in a card's statement for it."""
        book = load_book(self._places.users_file)
        if card.card.strip().startswith(SUCCESSION_PREFIX):
            rotation = parse_succession(card.card)
            return describe_card(rotation.card, find_predecessor(book, rotation))
        found = parse_card(card.card)
        return describe_card(found, book.signer(found.signer))

    def add_user(self, new: NewUser) -> UserAdded:
        """Add a user; return the key that was made, if any."""
        user = UserDraft(
            name=new.name,
            card=parse_card(new.card) if new.card else None,
            key=read_key_line(new.key) if new.key else None,
            groups=new.groups,
            verified=new.verified,
        ).user()
        own = self._own_signer()
        self._edit(lambda book: add_to_book(book, user, own_signer=own))
        made = user.key is not None and not new.key
        return UserAdded(name=user.name, key=format_key(user.key) if made and user.key else "")

    def change_user(self, change: UserChange) -> Accepted:
        """Change a user's groups, card, trust, or what is chosen about introductions."""
        own = self._own_signer()
        book = self._edit(lambda book: _change(_exchange(book, change, own), change))
        return Accepted(id=book.find(change.name).name)

    def change_group(self, change: GroupChange) -> Reloaded:
        """Choose whether the members of a group are introduced to each other."""
        settings_rules.set_introduced_group(self._places, change.name, introduced=change.introduce)
        return Reloaded()

    def remove_user(self, user: UserNamed) -> Accepted:
        """Remove a user."""
        name = ""

        def remove(book: UserBook) -> UserBook:
            nonlocal name
            name = book.find(user.name).name
            return book.remove(name)

        self._edit(remove)
        return Accepted(id=name)

    def new_key(self, user: UserNamed) -> UserAdded:
        """Replace the key of a user."""
        changed = self._edit(lambda book: book.replace(replace_key(book.find(user.name)))).find(user.name)
        return UserAdded(name=changed.name, key=format_key(changed.key or b""))

    def rotate_identity(self, name: str) -> Identity:
        """Replace the home's own keys, for a new card with that name."""
        return rotate_identity(self._places.identity_file, name)

    def folders(self) -> list[Folder]:
        """Return the drop folders as they are configured; none of them is watched."""
        return [
            Folder(
                path=drop.path,
                state=FolderState.UNWATCHED,
                users=tuple(drop.users),
                waiting=0,
                transport=drop.transport,
            )
            for drop in load_config(self._places).drop
        ]

    def set_drop(self, change: DropChange) -> Reloaded:
        """Add a drop folder, or change its recipients."""
        folder = _folder(change.path)
        settings_rules.save_drop_folder(self._places, folder, change.users, change.transport)
        return Reloaded()

    def remove_drop(self, drop: DropNamed) -> Reloaded:
        """Remove a drop folder; its files stay."""
        settings_rules.delete_drop_folder(self._places, _folder(drop.path))
        return Reloaded()

    def settings(self) -> SettingsText:
        """Return the text of the settings file."""
        text, stamp = read_config(self._places)
        return SettingsText(text=text, path=str(self._places.config_file), stamp=stamp)

    def change_setting(self, change: SettingChange) -> Reloaded:
        """Change one setting."""
        settings_rules.change_setting(self._places, change.key, change.value)
        return Reloaded()

    def write_settings(self, settings: SettingsText) -> Reloaded:
        """Replace the settings file."""
        settings_rules.write_settings(self._places, settings.text, settings.stamp)
        return Reloaded()

    def _edit(self, change: Callable[[UserBook], UserBook]) -> UserBook:
        return edit_book(self._places.users_file, change)


def describe_user(user: KnownUser, *, with_card: bool = False) -> User:
    """Return the message of a user, without the figures about their shares."""
    card = user.card
    return User(
        name=user.name,
        kind=UserKind.KEY if card is None else UserKind.CARD,
        fingerprint="" if card is None else card.fingerprint.base32,
        words="" if card is None else " ".join(card.fingerprint.words),
        verified=user.verified,
        origin=_origin(user),
        groups=user.groups,
        accept_raw=user.accept_raw,
        former=tuple(former.fingerprint.base32 for former in user.former),
        introduced_by=user.introduced_by,
        admitted=user.admitted,
        introduces=user.introduces,
        card=str(card) if with_card and card is not None else "",
    )


def _origin(user: KnownUser) -> UserOrigin:
    if user.invited:
        return UserOrigin.INVITED
    if user.verified:
        return UserOrigin.COMPARED
    return UserOrigin.INTRODUCED if user.introduced_by else UserOrigin.BY_HAND


def describe_people(identity: Identity, config: Config, users: tuple[User, ...]) -> People:
    """Return the message of a home's own card, which bears the name in the settings, and of the users in its book."""
    card = identity.card(config.name)
    return People(
        card=str(card),
        fingerprint=card.fingerprint.base32,
        words=" ".join(card.fingerprint.words),
        succession=str(identity.succession or ""),
        users=users,
        introduced_groups=tuple(config.link.introduce),
    )


def describe_card(card: Card, known: KnownUser | None = None) -> CardInfo:
    """Return the message of a card; `known` is the user who has it, or whose card it succeeds."""
    return CardInfo(
        name=card.name,
        fingerprint=card.fingerprint.base32,
        words=" ".join(card.fingerprint.words),
        known_as=known.name if known else "",
        card=str(card),
    )


def _exchange(book: UserBook, change: UserChange, own_signer: bytes | None) -> UserBook:
    """Replace a user's card; without the present card's statement the new one has to be verified again."""
    user = book.find(change.name)
    if change.fingerprint and card_of(user).fingerprint.base32 != change.fingerprint:
        raise Refused(f"The card of {user.name} was replaced meanwhile", hint="Compare the new fingerprint.")
    return book if change.card is None else give_card(book, user, change.card, own_signer=own_signer)


def _change(book: UserBook, change: UserChange) -> UserBook:
    user = book.find(change.name)
    if change.groups is not None:
        user = set_groups(user, change.groups)
    if change.join or change.leave:
        user = regroup(user, join=change.join, leave=change.leave)
    if change.verified is not None:
        user = trust(user, verified=change.verified)
    if change.accept_raw is not None:
        user = replace(user, accept_raw=change.accept_raw)
    if change.admitted is not None:
        card_of(user)
        user = replace(user, admitted=change.admitted)
    if change.introduces is not None:
        user = let_introduce(user, introduces=change.introduces)
    return book.replace(user)


def _folder(path: str) -> Path:
    """Read a path in a request; it is absolute, because agent and client have different working folders.

    Raises:
        BadInput: it is relative.
    """
    if not path.startswith(("/", "~")):
        raise BadInput("The path of the folder is not absolute", hint="Begin it with / or ~.")
    if "\0" in path:
        raise BadInput("The path of the folder contains a zero byte")
    return settings_rules.absolute(Path(path))
