"""What a person may order about the users of a book, and the rules of each order.

Owns one implementation for the agent and for the commands that work without one. Pure but for drawing keys: the book
is read and written by `tuishare.people.book_file`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tuishare.errors import BadInput, NotFound, Refused
from tuishare.people.cards import Card, parse_card
from tuishare.people.key_rotation import SUCCESSION_PREFIX, KeyRotation, parse_succession
from tuishare.people.keys import generate_key
from tuishare.people.names import fold_name
from tuishare.people.user_book import UserBook
from tuishare.people.users import PreviousCard, User
from tuishare.sanitize import for_display

_FORMER_KEPT = 16


@dataclass(frozen=True, slots=True)
class UserDraft:
    """Somebody to add: by his card, by a key that he has already, or by one that is made now (neither)."""

    name: str
    card: Card | None = None
    key: bytes | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    verified: bool = False

    def user(self) -> User:
        """Make the user, with a new key where nothing else makes him known.

        Raises:
            BadInput: name, groups or key are not allowed.
        """
        if self.verified and self.card is None:
            raise BadInput("Only a card has a fingerprint to verify", hint="Add him without it.")
        return User(
            name=self.name,
            card=self.card,
            key=None if self.card is not None else self.key or generate_key(),
            groups=tuple(map(_bare, self.groups)),
            verified=self.verified,
        )


def add_to_book(book: UserBook, user: User, *, own_signer: bytes | None) -> UserBook:
    """Add a user.

    Args:
        book: to add to.
        user: made by `UserDraft.user`.
        own_signer: our own Ed25519 public key, 32 bytes; None while we have none.

    Raises:
        BadInput: name, card or key belong to somebody already, or the card is our own.
    """
    _require_foreign(user.card, own_signer)
    for known in book:
        if fold_name(known.name) == fold_name(user.name):
            raise BadInput(
                f"There is already a user {known.name}",
                hint=f"Remove him first (`tuishare user remove {known.name}`), or choose another name.",
            )
    try:
        return book.add(user)
    except BadInput as error:
        raise BadInput(
            error.detail, hint="Remove the one who is there already, if it is the same person."
        ) from error


def regroup(user: User, *, join: Iterable[str], leave: Iterable[str]) -> User:
    """Put a user into groups and take him out of groups.

    Raises:
        NotFound: he is not in a group that he shall leave.
        BadInput: a group's name is not allowed.
    """
    groups = {fold_name(group): group for group in user.groups}
    for group in map(_bare, leave):
        if groups.pop(fold_name(group), None) is None:
            raise NotFound(
                f"{user.name} is not in the group '{for_display(group)}'",
                hint="`tuishare user list` shows who is in which.",
            )
    for group in map(_bare, join):
        groups.setdefault(fold_name(group), group)
    return replace(user, groups=tuple(groups.values()))


def set_groups(user: User, groups: Iterable[str]) -> User:
    """Let a user be in exactly these groups.

    Raises:
        BadInput: a group's name is not allowed.
    """
    return replace(user, groups=tuple(map(_bare, groups)))


def trust(user: User, *, verified: bool) -> User:
    """Say whether a person compared the fingerprint of a user's card.

    Raises:
        BadInput: he has none.
    """
    card_of(user)
    return replace(user, verified=verified)


def card_of(user: User) -> Card:
    """Return the card of a user.

    Raises:
        BadInput: he has a key.
    """
    if user.card is None:
        raise BadInput(
            f"{user.name} has a key, not a card: there is no fingerprint to compare",
            hint="Who has the key was decided when you gave it away.",
        )
    return user.card


def replace_key(user: User) -> User:
    """Give a user with a key another one; the former one opens nothing that is sealed from now on.

    Raises:
        BadInput: he has a card.
    """
    if user.key is None:
        raise BadInput(
            f"{user.name} has a card, not a key: only he can make new keys for it",
            hint="Ask him for his new card (`tuishare user rotate --self`), then `tuishare user replace`.",
        )
    return replace(user, key=generate_key())


def apply_rotation(book: UserBook, succession: KeyRotation) -> UserBook:
    """Put the new card of somebody in the place of the one that gave its word for it; he is as verified as he was.

    Raises:
        Refused: nobody has one of the former cards now; what was replaced itself has no word to give any more.
        BadInput: the new card belongs to somebody already.
    """
    user = find_predecessor(book, succession)
    if user is None or user.card is None:
        raise Refused("None of the former cards is known here", hint="Ask for the new card, and compare it.")
    replaced = PreviousCard(user.card.signer, user.card.fingerprint)
    # The first one names what he sends; of those between, some are enough.
    former = (replaced, *user.former[: _FORMER_KEPT - 2], *user.former[_FORMER_KEPT - 2 :][-1:])
    return book.replace(replace(user, card=succession.card, former=former))


def find_predecessor(book: UserBook, succession: KeyRotation) -> User | None:
    """Return who has, in this book, a card that gave its word for the new one; None when nobody has.

    Nor when several have: anybody can put his own word for a stranger's card before what that card says itself.
    """
    found = [user for signer in succession.formers if (user := book.signer(signer))]
    return found[0] if len(found) == 1 else None


def give_card(book: UserBook, user: User, text: str, *, own_signer: bytes | None) -> UserBook:
    """Put another card in the place of what a user is known by.

    Args:
        book: that he is in.
        user: who he is now.
        text: a succession of his, after which he is as verified as before, or a card, which has to be verified anew.
        own_signer: our own Ed25519 public key, 32 bytes; None while we have none.

    Raises:
        BadInput: it is neither, or somebody's card already, ours for instance.
        Refused: the succession is not his.
    """
    if not text.strip().startswith(SUCCESSION_PREFIX):
        card = parse_card(text)
        _require_foreign(card, own_signer)
        return book.replace(replace(user, card=card, key=None, verified=False, accept_raw=False, former=()))
    succession = parse_succession(text)
    _require_foreign(succession.card, own_signer)
    if find_predecessor(book, succession) is not user:
        raise Refused(
            f"This is not the word of the card that {user.name} has here",
            hint="Ask for his new card, and compare its fingerprint.",
        )
    return apply_rotation(book, succession)


def _require_foreign(card: Card | None, own_signer: bytes | None) -> None:
    if card is not None and card.signer == own_signer:
        raise BadInput(
            "This is your own card", hint="Give it to others; `tuishare user add` takes the cards of others."
        )


def _bare(group: str) -> str:
    return group.removeprefix("@")
