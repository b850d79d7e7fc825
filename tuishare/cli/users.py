"""``tuishare user …``: who is in the user book.

Owns the dialogue with the person; what a valid book is, `tuishare.people` knows. Never prints a key but one it has
just made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import UserChange
from tuishare.cli.agent import ask_agent
from tuishare.cli.cards import describe_card, show_fingerprint
from tuishare.cli.reload import take_effect
from tuishare.cli.revoke import warn_of_tickets
from tuishare.cli.terminal import ask, can_ask, print_rows, say, warn
from tuishare.config.model import load_config
from tuishare.errors import AgentUnreachable, BadInput, NotFound, Refused, TuishareError
from tuishare.home_paths import Places, find_places
from tuishare.people import (
    Card,
    Identity,
    User,
    UserBook,
    UserDraft,
    add_to_book,
    card_of,
    edit_book,
    fold_name,
    format_key,
    give_card,
    load_book,
    load_identity,
    regroup,
)
from tuishare.presentation.states import name_trust
from tuishare.sanitize import for_display


def add_user(newcomer: UserDraft) -> None:
    """Add a user; prints ``NAME<tab>KEY`` for a key that was made.

    Raises:
        BadInput: name, card or key are not allowed or belong to somebody already.
    """
    places, user = find_places(), newcomer.user()
    own = _find_ourselves(places)
    edit_book(
        places.users_file,
        lambda book: add_to_book(book, user, own_signer=own.signer if own else None),
    )
    if user.card is not None:
        _explain_card(user, user.card)
    elif newcomer.key is None and user.key is not None:
        try:
            print(f"{user.name}\t{format_key(user.key)}", flush=True)
        except OSError:
            edit_book(places.users_file, lambda book: book.remove(user.name))  # nobody has seen his key
            raise
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
            "" if user.card is None else name_trust(verified=user.verified),
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
    known = load_book(places.users_file).find(name).name
    book = edit_book(places.users_file, lambda book: book.remove(known))
    say(f"Removed {for_display(known)}. What he has received already stays his.")
    warn_of_tickets(known)
    _warn_of_drops(places, book)
    take_effect()


def verify_user(name: str, fingerprint: str) -> None:
    """Mark a user as verified, by the fingerprint that was given or by asking the person at the terminal.

    Raises:
        NotFound: nobody has that name.
        BadInput: the user has no card, or that is no fingerprint.
        Refused: the fingerprint is another one, the person said no, or nobody can be asked.
    """
    places = find_places()
    card = card_of(load_book(places.users_file).find(name))
    if not (
        card.fingerprint.matches(fingerprint) if fingerprint else _ask(name, card, _find_ourselves(places))
    ):
        raise Refused(
            f"{for_display(name)} is not verified: the fingerprints differ",
            hint="Do not send anything yet: ask for the card over another way.",
        )

    def mark(book: UserBook) -> UserBook:
        user = book.find(name)
        if card_of(user) != card:
            raise Refused(f"The card of {user.name} was replaced meanwhile", hint="Verify the new one.")
        return book.replace(replace(user, verified=True))

    edit_book(places.users_file, mark)
    say(f"{for_display(name)} is verified.")
    take_effect()


def regroup_user(name: str, *, join: Iterable[str], leave: Iterable[str]) -> None:
    """Put a user into groups and take him out of groups.

    Raises:
        NotFound: nobody has that name, or he is not in a group that he shall leave.
        BadInput: a group's name is not allowed.
    """
    joined, left = tuple(join), tuple(leave)
    if not joined and not left:
        raise BadInput("No group was named", hint="Use --add GROUP or --remove GROUP.")
    places = find_places()
    book = edit_book(
        places.users_file, lambda book: book.replace(regroup(book.find(name), join=joined, leave=left))
    )
    user = book.find(name)
    groups = ", ".join(f"@{group}" for group in user.groups)
    say(f"{user.name} is in {groups or 'no group'}.")
    if left:
        _warn_of_drops(places, book)
    take_effect()


def accept_raw(name: str, *, accepted: bool) -> None:
    """Take files in the raw form that somebody's key opens, or do so no longer.

    Raises:
        NotFound: nobody has that name.
        BadInput: he has a card.
    """
    places = find_places()
    book = edit_book(
        places.users_file, lambda book: book.replace(replace(book.find(name), accept_raw=accepted))
    )
    whose = f"that the key of {for_display(book.find(name).name)} opens"
    say(f"Files in the raw form {whose} are {'taken' if accepted else 'not taken'} from the inbox.")
    take_effect()


def replace_user(name: str, text: str) -> None:
    """Know a user by another card: a new one, or one that his former card vouches for.

    Raises:
        NotFound: nobody has that name.
        BadInput: it is neither, or somebody's card already.
        Refused: another card than his vouches for it.
    """
    places = find_places()
    own = _find_ourselves(places)
    try:
        ask_agent(lambda client: client.change_user(UserChange(name=name, card=text)))
    except ProtocolMismatch:
        raise
    except AgentUnreachable:
        signer = own.signer if own else None
        edit_book(places.users_file, lambda book: give_card(book, book.find(name), text, own_signer=signer))
        say("What he has had so far stays sealed for his former card, until it is shared again.")
    else:
        say(f"What is shared with {for_display(name)} is being sealed again.")
    user = load_book(places.users_file).find(name)
    _explain_card(user, card_of(user))


def _find_ourselves(places: Places) -> Identity | None:
    try:
        return load_identity(places.identity_file)
    except NotFound:
        return None


def _explain_card(user: User, card: Card) -> None:
    if fold_name(card.name) != fold_name(user.name):
        say(f"The card says {for_display(card.name)}; here he is called {user.name}.")
    show_fingerprint(user.name, card.fingerprint)
    if user.verified:
        return
    say(
        f"Ask {user.name} to read his fingerprint (`tuishare card`) to you, face to face or by telephone. Then:"
    )
    say(f"  tuishare user verify {user.name}")


def _ask(name: str, card: Card, own: Identity | None) -> bool:
    if not can_ask():
        raise Refused(
            "Nobody can be asked: this is not a terminal",
            hint=f"Give the fingerprint that was read to you: `tuishare user verify {for_display(name)} WORDS...`.",
        )
    if own is not None:
        say(f"Read yours to {for_display(name)}, who compares it with what he has:")
        show_fingerprint("your own card", own.fingerprint)
    show_fingerprint(for_display(name), card.fingerprint)
    return ask("Is this exactly what was read to you?")


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
