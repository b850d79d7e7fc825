"""Operations on the user book, shared by the agent and the commands that work without one.

Owns the rules of each operation. Pure except for generating keys: `tuishare.people.book_file` reads and writes the
book.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tuishare.errors import BadInput, NotFound, Refused
from tuishare.people.cards import Card, parse_card
from tuishare.people.key_rotation import SUCCESSION_PREFIX, KeyRotation, parse_succession
from tuishare.people.keys import generate_key
from tuishare.people.names import NAME_CHARACTERS, fold_name
from tuishare.people.user_book import UserBook
from tuishare.people.users import PreviousCard, User
from tuishare.sanitize import for_display

_FORMER_KEPT = 16


@dataclass(frozen=True, slots=True)
class UserDraft:
    """A user to add: with a card, with an existing key, or with a new key (neither given)."""

    name: str
    card: Card | None = None
    key: bytes | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    verified: bool = False

    def user(self) -> User:
        """Return the user, with a new key if there is neither card nor key.

        Raises:
            BadInput: name, groups or key are not allowed.
        """
        if self.verified and self.card is None:
            raise BadInput("Only a card has a fingerprint to verify", hint="Add the user unverified.")
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
        BadInput: the book already has the name, card or key, or the card is our own.
    """
    _require_foreign(user.card, own_signer)
    for known in book:
        if fold_name(known.name) == fold_name(user.name):
            raise BadInput(
                f"There is already a user {known.name}",
                hint=f"Choose another name, or remove that user first: `tuishare user remove {known.name}`.",
            )
    try:
        return book.add(user)
    except BadInput as error:
        raise BadInput(
            error.detail, hint="If they are the same person, remove the existing user first."
        ) from error


def add_introduced(book: UserBook, user: User) -> UserBook:
    """Add a user who was introduced, under a free name; nothing changes if their card is known already.

    Raises:
        BadInput: the card has a key of another user.
    """
    card = card_of(user)
    if book.signer(card.signer) or book.former(card.signer):
        return book
    return book.add(replace(user, name=unused_name(book, user.name)))


def unused_name(book: UserBook, wanted: str) -> str:
    """Return a name that no user has: the wanted one, or one with a number behind it."""
    taken = {fold_name(user.name) for user in book}
    name, number = wanted, 1
    while fold_name(name) in taken:
        number += 1
        name = f"{wanted[: NAME_CHARACTERS - 8].rstrip()} {number}"
    return name


def regroup(user: User, *, join: Iterable[str], leave: Iterable[str]) -> User:
    """Add a user to groups and remove them from others.

    Raises:
        NotFound: the user is not in a group to leave.
        BadInput: a group's name is not allowed.
    """
    groups = {fold_name(group): group for group in user.groups}
    for group in map(_bare, leave):
        if groups.pop(fold_name(group), None) is None:
            raise NotFound(
                f"{user.name} is not in the group '{for_display(group)}'",
                hint="`tuishare user list` shows the groups of each user.",
            )
    for group in map(_bare, join):
        groups.setdefault(fold_name(group), group)
    return replace(user, groups=tuple(groups.values()))


def set_groups(user: User, groups: Iterable[str]) -> User:
    """Replace the groups of a user.

    Raises:
        BadInput: a group's name is not allowed.
    """
    return replace(user, groups=tuple(map(_bare, groups)))


def trust(user: User, *, verified: bool) -> User:
    """Set whether the fingerprint of a user's card was compared; an invitation counts no longer once it was.

    Who takes that back does not trust the card any longer, so that an introduction of it counts for nothing either.

    Raises:
        BadInput: the user has no card.
    """
    card_of(user)
    if user.verified and not verified:
        return replace(user, verified=False, introduced_by="", admitted=False, introduces=False)
    return replace(user, verified=verified, invited=user.invited and not verified)


def let_introduce(user: User, *, introduces: bool) -> User:
    """Choose whether those whom a user introduces become users without a question.

    Raises:
        BadInput: the user has no card.
        Refused: they are not verified, so that their word counts for nothing.
    """
    card_of(user)
    if introduces and not user.verified:
        raise Refused(
            f"{user.name} is not verified, so their introductions are not followed",
            hint=f"Compare fingerprints first: `tuishare user verify {user.name}`.",
        )
    return replace(user, introduces=introduces)


def card_of(user: User) -> Card:
    """Return the card of a user.

    Raises:
        BadInput: the user has a key instead.
    """
    if user.card is None:
        raise BadInput(
            f"{user.name} has a key, not a card: there is no fingerprint to compare",
            hint="Anyone who has the key counts as this user.",
        )
    return user.card


def replace_key(user: User) -> User:
    """Replace the key of a user; the old one does not open what is sealed from now on.

    Raises:
        BadInput: the user has a card.
    """
    if user.key is None:
        raise BadInput(
            f"{user.name} has a card, not a key: only its owner can make new keys",
            hint="Ask for the new card (`tuishare user rotate --self`), then run `tuishare user replace`.",
        )
    return replace(user, key=generate_key())


def apply_rotation(book: UserBook, succession: KeyRotation) -> UserBook:
    """Replace the card of the user whose key signed the succession; verification is kept.

    Raises:
        Refused: no user presently has one of the former cards; a replaced card can no longer sign.
        BadInput: another user has the new card.
    """
    user = find_predecessor(book, succession)
    if user is None or user.card is None:
        raise Refused(
            "No known user has the previous card", hint="Ask for the new card, and compare its fingerprint."
        )
    replaced = PreviousCard(user.card.signer, user.card.fingerprint)
    # The oldest card names the folder of the user's downloads, so it stays; of the others, some are enough.
    former = (replaced, *user.former[: _FORMER_KEPT - 2], *user.former[_FORMER_KEPT - 2 :][-1:])
    return book.replace(replace(user, card=succession.card, former=former))


def find_predecessor(book: UserBook, succession: KeyRotation) -> User | None:
    """Return the only user whose card signed the succession; None if there is none, or more than one.

    Several are ambiguous: an attacker can prepend a signature of their own for another user's card to that card's
    succession.
    """
    found = [user for signer in succession.formers if (user := book.signer(signer))]
    return found[0] if len(found) == 1 else None


def give_card(book: UserBook, user: User, text: str, *, own_signer: bytes | None) -> UserBook:
    """Replace the card or key of a user by another card.

    Args:
        book: that contains the user.
        user: as they are now.
        text: a succession of the user, which keeps verification, or a card, which must be verified again.
        own_signer: our own Ed25519 public key, 32 bytes; None while we have none.

    Raises:
        BadInput: the text is neither, or the card belongs to another user or is our own.
        Refused: the succession is not signed by the user's card.
    """
    if not text.strip().startswith(SUCCESSION_PREFIX):
        card = parse_card(text)
        _require_foreign(card, own_signer)
        # What was chosen for the former card does not hold for this one.
        return book.replace(User(user.name, card=card, groups=user.groups))
    succession = parse_succession(text)
    _require_foreign(succession.card, own_signer)
    if find_predecessor(book, succession) is not user:
        raise Refused(
            f"The rotation is not signed by {user.name}'s current card",
            hint="Ask for the new card, and compare its fingerprint.",
        )
    return apply_rotation(book, succession)


def _require_foreign(card: Card | None, own_signer: bytes | None) -> None:
    if card is not None and card.signer == own_signer:
        raise BadInput(
            "This is your own card", hint="Send it to others; add their cards with `tuishare user add`."
        )


def _bare(group: str) -> str:
    return group.removeprefix("@")
