"""Users who become known by an invitation, ours or that of another agent.

Owns the name that they get, and how they enter the user book.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from tuishare.agent.link.contacts import Contacts
from tuishare.agent.live import UserBookFile
from tuishare.errors import BadInput, Refused
from tuishare.link.invitation_exchange import Introduced
from tuishare.people import User, UserBook, unused_name
from tuishare.people.cards import Card
from tuishare.people.names import fold_name

EditUsers: TypeAlias = Callable[[Callable[[UserBook], UserBook]], Awaitable[object]]
"""Changes the user book, and puts it in force before it returns."""


@dataclass(frozen=True, slots=True)
class Gift:
    """What an invitation gives to one who joins.

    Attributes:
        was_known: they were a user before; otherwise everything.
        groups: that such a user joins, without ``@``.
        verifies: such a user counts as verified by it, and did not before.
    """

    was_known: bool = False
    groups: tuple[str, ...] = ()
    verifies: bool = False


class JoinedUsers:
    """The user book of one agent, as invitations change it."""

    def __init__(self, users: UserBookFile, contacts: Contacts, edit_users: EditUsers) -> None:
        self._contacts = contacts
        self._users = users
        self._edit_users = edit_users

    def knows(self, card: Card) -> bool:
        """Return whether a card is that of a user, or a former one of theirs."""
        book = self._users.current
        return book.signer(card.signer) is not None or book.former(card.signer) is not None

    def can_add(self, card: Card) -> bool:
        """Return whether the owner of a card is a user, or may become one: no key in it is that of another user."""
        book = self._users.current
        try:
            _add_user(book, card.name, card, (), is_verified=False)
        except BadInput:
            return False
        return True

    def require_free(self, name: str) -> None:
        """Check that no user has a name.

        Raises:
            BadInput: one has.
        """
        if fold_name(name) in {fold_name(user.name) for user in self._users.current}:
            raise BadInput(f"There is already a user {name}", hint="Choose another name.")

    def choose_name(self, wanted: str, card: Card) -> str:
        """Return the name of the user with a card, or one that is free."""
        book = self._users.current
        known = book.signer(card.signer)
        return known.name if known else unused_name(book, wanted)

    def find_gift(self, card: Card, groups: tuple[str, ...], *, is_verified: bool) -> Gift:
        """Return what joining groups, and counting as verified, would change for the owner of a card."""
        known = self._users.read().signer(card.signer)
        if known is None:
            return Gift()
        folded = set(map(fold_name, known.groups))
        further = tuple(group for group in groups if fold_name(group) not in folded)
        return Gift(True, further, is_verified and not known.verified)

    async def take_back(self, card: Card, gift: Gift) -> None:
        """Take from a user who was known before what an invitation gave them; what was changed since stays."""
        await self._edit_users(lambda book: _take_back(book, card, gift))

    async def keep_record(self, introduced: Introduced) -> None:
        """Keep where the agent of a user who is about to be added is reached."""
        await self._contacts.keep(introduced.record, introduced.signed_record, is_joining=True)

    async def add(self, name: str, card: Card, groups: tuple[str, ...], *, is_verified: bool) -> User:
        """Add a user; one who is known by the same card is verified, and joins the groups.

        Args:
            name: for a new user; one like it if it was taken meanwhile.
            card: theirs.
            groups: that they join.
            is_verified: whether they count as verified.

        Returns:
            The user.

        Raises:
            BadInput: the card has a key of another user.
            Refused: they were removed at the same time.
        """
        await self._edit_users(lambda book: _add_user(book, name, card, groups, is_verified=is_verified))
        user = self._users.current.signer(card.signer)
        if user is None:
            raise Refused(f"{name} was removed while they joined", hint="Use another invitation.")
        return user


def _add_user(
    book: UserBook, name: str, card: Card, groups: tuple[str, ...], *, is_verified: bool
) -> UserBook:
    known = book.signer(card.signer)
    if known is None:
        name = unused_name(book, name)
        return book.add(User(name, card=card, groups=groups, verified=is_verified, invited=True))
    folded = set(map(fold_name, known.groups))
    joined = tuple(group for group in groups if fold_name(group) not in folded)
    return book.replace(
        replace(
            known,
            verified=known.verified or is_verified,
            invited=known.invited or (is_verified and not known.verified),
            groups=(*known.groups, *joined),
        )
    )


def _take_back(book: UserBook, card: Card, gift: Gift) -> UserBook:
    known = book.signer(card.signer)
    if known is None:
        return book
    if gift.verifies and known.invited:  # not where the fingerprint was compared since
        known = replace(known, verified=False, invited=False)
    left = set(map(fold_name, gift.groups))
    return book.replace(
        replace(known, groups=tuple(group for group in known.groups if fold_name(group) not in left))
    )
