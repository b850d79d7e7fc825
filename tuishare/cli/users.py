"""``tuishare user …``: who is in the user book.

Owns the dialogue with the person; what a valid book is, `tuishare.people` knows. Never prints a key but one it has
just made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from tuishare.cli.cards import describe_card, show_fingerprint
from tuishare.cli.reload import take_effect
from tuishare.cli.terminal import ask, can_ask, print_rows, say, warn
from tuishare.config import load_config
from tuishare.errors import BadInput, NotFound, Refused, TuishareError
from tuishare.paths import Places, find_places
from tuishare.people import (
    Card,
    User,
    UserBook,
    edit_book,
    fold_name,
    format_key,
    generate_key,
    load_book,
    load_identity,
)
from tuishare.text import visible


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to add: by his card, by a key that he has already, or by one that is made now (neither)."""

    name: str
    card: Card | None = None
    key: bytes | None = field(default=None, repr=False)
    groups: tuple[str, ...] = ()
    verified: bool = False


def add_user(newcomer: Newcomer) -> None:
    """Add a user; prints ``NAME<tab>KEY`` for a key that was made.

    Raises:
        BadInput: name, card or key are not allowed or belong to somebody already.
    """
    if newcomer.verified and newcomer.card is None:
        raise BadInput("Only a card has a fingerprint to verify", hint="Leave out --verified.")
    places = find_places()
    user = _make_user(newcomer)
    _refuse_ourselves(places, user)
    edit_book(places.users_file, lambda book: _add(book, user))
    if user.card is not None:
        _explain_card(user, user.card)
    elif newcomer.key is None and user.key is not None:
        print(f"{user.name}\t{format_key(user.key)}", flush=True)
        say(f"Give this key to {user.name} over a way that nobody else can read; it is not shown again.")
    take_effect()


def list_users(*, as_json: bool) -> None:
    """Print everybody in the book; keys are never printed."""
    book = load_book(find_places().users_file)
    if as_json:
        print(msgspec.json.encode(list(map(_describe, book))).decode())
        return
    rows = [
        (
            user.name,
            "key" if user.card is None else "card",
            ", ".join(f"@{group}" for group in user.groups),
            "" if user.card is None else "verified" if user.verified else "not verified",
            "" if user.card is None else user.card.fingerprint.base32,
        )
        for user in book
    ]
    print_rows(("name", "known by", "groups", "verified", "fingerprint"), rows)


def remove_user(name: str) -> None:
    """Remove a user.

    Raises:
        NotFound: nobody has that name.
    """
    places = find_places()
    book = edit_book(places.users_file, lambda book: book.remove(name))
    say(f"Removed {visible(name)}. What he has received already stays his.")
    _warn_of_drops(places, book)
    take_effect()


def verify_user(name: str, fingerprint: str) -> None:
    """Mark a user as verified, by the fingerprint that was given or by asking the person at the terminal.

    Raises:
        NotFound: nobody has that name.
        BadInput: the user has no card, or that is no fingerprint.
        Refused: the fingerprint is another one, the person said no, or nobody can be asked.
    """
    path = find_places().users_file
    card = _card_of(load_book(path).find(name))
    if not (card.fingerprint.matches(fingerprint) if fingerprint else _ask(name, card)):
        raise Refused(
            f"{visible(name)} is not verified: the fingerprints differ",
            hint="Do not send anything yet: ask for the card over another way.",
        )

    def mark(book: UserBook) -> UserBook:
        user = book.find(name)
        if _card_of(user) != card:
            raise Refused(f"The card of {user.name} was replaced meanwhile", hint="Verify the new one.")
        return book.replace(replace(user, verified=True))

    edit_book(path, mark)
    say(f"{visible(name)} is verified.")
    take_effect()


def regroup_user(name: str, *, join: Iterable[str], leave: Iterable[str]) -> None:
    """Put a user into groups and take him out of groups.

    Raises:
        NotFound: nobody has that name, or he is not in a group that he shall leave.
        BadInput: a group's name is not allowed.
    """
    joined, left = tuple(map(_bare, join)), tuple(map(_bare, leave))
    if not joined and not left:
        raise BadInput("No group was named", hint="Use --add GROUP or --remove GROUP.")
    places = find_places()
    book = edit_book(places.users_file, lambda book: book.replace(_regroup(book.find(name), joined, left)))
    user = book.find(name)
    groups = ", ".join(f"@{group}" for group in user.groups)
    say(f"{user.name} is in {groups or 'no group'}.")
    if left:
        _warn_of_drops(places, book)
    take_effect()


def _make_user(newcomer: Newcomer) -> User:
    return User(
        name=newcomer.name,
        card=newcomer.card,
        key=None if newcomer.card is not None else newcomer.key or generate_key(),
        groups=tuple(map(_bare, newcomer.groups)),
        verified=newcomer.verified,
    )


def _add(book: UserBook, user: User) -> UserBook:
    if any(fold_name(known.name) == fold_name(user.name) for known in book):
        raise BadInput(
            f"There is already a user {user.name}",
            hint=f"Remove him first (`tuishare user remove {user.name}`), or choose another name.",
        )
    try:
        return book.add(user)
    except BadInput as error:
        raise BadInput(
            error.detail, hint="Remove the one who is there already, if it is the same person."
        ) from error


def _refuse_ourselves(places: Places, user: User) -> None:
    if user.card is None:
        return
    try:
        own = load_identity(places.identity_file)
    except NotFound:
        return
    if user.card.signer == own.signer:
        raise BadInput(
            "This is your own card", hint="Give it to others; `tuishare user add` takes the cards of others."
        )


def _explain_card(user: User, card: Card) -> None:
    if fold_name(card.name) != fold_name(user.name):
        say(f"The card says {visible(card.name)}; here he is called {user.name}.")
    show_fingerprint(user.name, card.fingerprint)
    if user.verified:
        return
    say(
        f"Ask {user.name} to read his fingerprint (`tuishare card`) to you, face to face or by telephone. Then:"
    )
    say(f"  tuishare user verify {user.name}")


def _card_of(user: User) -> Card:
    if user.card is None:
        raise BadInput(
            f"{user.name} has a key, not a card: there is no fingerprint to compare",
            hint="Who has the key was decided when you gave it away.",
        )
    return user.card


def _ask(name: str, card: Card) -> bool:
    if not can_ask():
        raise Refused(
            "Nobody can be asked: this is not a terminal",
            hint=f"Give the fingerprint that was read to you: `tuishare user verify {visible(name)} WORDS...`.",
        )
    show_fingerprint(visible(name), card.fingerprint)
    return ask("Is this exactly what was read to you?")


def _bare(group: str) -> str:
    return group.removeprefix("@")


def _regroup(user: User, join: tuple[str, ...], leave: tuple[str, ...]) -> User:
    groups = {fold_name(group): group for group in user.groups}
    for group in leave:
        if groups.pop(fold_name(group), None) is None:
            raise NotFound(
                f"{user.name} is not in the group '{visible(group)}'",
                hint="`tuishare user list` shows who is in which.",
            )
    for group in join:
        groups.setdefault(fold_name(group), group)
    return replace(user, groups=tuple(groups.values()))


def _warn_of_drops(places: Places, book: UserBook) -> None:
    """Say which drop folders are for somebody who is no longer there."""
    try:
        folders = load_config(places).drop
    except TuishareError as error:
        warn(error.detail)
        return
    for folder in folders:
        for name in folder.users:
            try:
                book.resolve([name])
            except TuishareError as error:
                warn(f"the drop folder {folder.path} cannot be shared: {error.detail}")


def _describe(user: User) -> dict[str, object]:
    known: dict[str, object] = {
        "name": user.name,
        "known_by": "key" if user.card is None else "card",
        "groups": user.groups,
        "verified": user.verified,
        "accept_raw": user.accept_raw,
    }
    if user.card is not None:
        card = describe_card(user.card)
        known |= {"card": card["card"], "words": card["words"], "base32": card["base32"]}
    return known
