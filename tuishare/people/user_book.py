"""The user book: all known users and their groups.

Owns the constraints between users: names, cards and keys are unique. Must not do I/O (`tuishare.people.book_file`
does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tuishare.errors import BadInput, NotFound
from tuishare.people.names import fold_name
from tuishare.people.users import User
from tuishare.sanitize import for_display

_LIST_HINT = "`tuishare user list` shows all users."


@dataclass(frozen=True)
class UserBook:
    """Users in the order they were added. Immutable: each change returns a new book. Every instance is valid.

    Names and groups are case-insensitive.

    Raises:
        BadInput: two users have the same name, card key or key.
    """

    users: tuple[User, ...] = ()

    def __post_init__(self) -> None:
        owners: dict[tuple[str, str | bytes], str] = {}
        for user in self.users:
            for value in _unique_values(user):
                if other := owners.get(value):
                    raise BadInput(f"The users {other} and {user.name} have the same {value[0]}")
                owners[value] = user.name

    def __iter__(self) -> Iterator[User]:
        return iter(self.users)

    def __len__(self) -> int:
        return len(self.users)

    def add(self, user: User) -> UserBook:
        """Return a book with an additional user.

        Raises:
            BadInput: another user has the name, card or key.
        """
        return UserBook((*self.users, user))

    def replace(self, user: User) -> UserBook:
        """Return a book in which this user replaces the one of the same name.

        Raises:
            NotFound: no user has that name.
            BadInput: another user has the card or key.
        """
        old = self.find(user.name)
        return UserBook(tuple(user if known is old else known for known in self.users))

    def remove(self, name: str) -> UserBook:
        """Return a book without the user of that name.

        Raises:
            NotFound: no user has that name.
        """
        old = self.find(name)
        return UserBook(tuple(known for known in self.users if known is not old))

    def find(self, name: str) -> User:
        """Return the user of that name.

        Raises:
            NotFound: no user has that name.
        """
        if user := self._by_name.get(fold_name(name)):
            return user
        raise NotFound(f"There is no user '{for_display(name)}'", hint=_LIST_HINT)

    def resolve(self, names: Iterable[str]) -> tuple[User, ...]:
        """Return the users for names and ``@groups``, without duplicates, in the order of first mention.

        Raises:
            NotFound: no such user or group.
            BadInput: ``@`` without the name of a group.
        """
        found: dict[str, User] = {}
        for name in names:
            members = (
                self._find_members(name.removeprefix("@")) if name.startswith("@") else (self.find(name),)
            )
            for user in members:
                found.setdefault(user.name, user)
        return tuple(found.values())

    def signer(self, signer_public: bytes) -> User | None:
        """Return the user whose card has this Ed25519 public key (32 bytes), or None."""
        return self._by_signer.get(signer_public)

    def former(self, signer_public: bytes) -> User | None:
        """Return the user whose former card had this Ed25519 public key (32 bytes), or None."""
        for user in self.users:
            if any(card.signer == signer_public for card in user.former):
                return user
        return None

    def first_signer(self, signer_public: bytes) -> bytes:
        """Return the first known Ed25519 public key of this key's owner, so that their downloads keep their names."""
        user = self.signer(signer_public)
        return user.former[-1].signer if user and user.former else signer_public

    def keys(self) -> tuple[tuple[str, bytes], ...]:
        """Return name and key of every user with a key."""
        return tuple((user.name, user.key) for user in self.users if user.key is not None)

    @cached_property
    def _by_name(self) -> Mapping[str, User]:
        return {fold_name(user.name): user for user in self.users}

    @cached_property
    def _by_signer(self) -> Mapping[bytes, User]:
        return {user.card.signer: user for user in self.users if user.card is not None}

    def _find_members(self, group: str) -> tuple[User, ...]:
        if not group:
            raise BadInput("'@' must be followed by the name of a group", hint=_LIST_HINT)
        wanted = fold_name(group)
        members = tuple(user for user in self.users if wanted in map(fold_name, user.groups))
        if not members:
            raise NotFound(f"There is no group '{for_display(group)}'", hint=_LIST_HINT)
        return members


def _unique_values(user: User) -> Iterator[tuple[str, str | bytes]]:
    yield "name", fold_name(user.name)
    if user.key is not None:
        yield "key", user.key
    if user.card is not None:
        # Each key must be unique by itself: with a signer in two cards, `signer` would be ambiguous.
        yield "card", user.card.signer
        yield "card", user.card.public_key
    for former in user.former:
        yield "card", former.signer
