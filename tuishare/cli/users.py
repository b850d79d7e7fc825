"""``tuishare user …``: the users in the user book.

Owns the dialogue with the user of the command; the rules of the book are in `tuishare.people`. Never prints a key,
except one that has just been made.
"""

from __future__ import annotations

from collections.abc import Iterable

from tuishare.api.home_files import describe_card
from tuishare.api.messages import CardInfo, CardText, NewUser, User, UserChange, UserKind, UserNamed
from tuishare.api.service import HomeService
from tuishare.cli.cards import show_fingerprint
from tuishare.cli.edit_home import edit_home, read_home, report_effect
from tuishare.cli.json_output import print_json
from tuishare.cli.revoke import warn_of_tickets
from tuishare.cli.terminal import ask, can_ask, print_rows, say, warn
from tuishare.config.model import load_config
from tuishare.errors import BadInput, NotFound, Refused, TuishareError
from tuishare.home_paths import find_places
from tuishare.people import Card, card_of, fold_name, load_book
from tuishare.presentation.states import describe_user_origin, name_trust
from tuishare.sanitize import for_display


def add_user(new: NewUser) -> None:
    """Add a user; prints ``NAME<tab>KEY`` for a key that was made.

    Raises:
        BadInput: name, card or key are not allowed or belong to another user.
    """
    edited = edit_home(lambda home: home.add_user(new))
    added = edited.answer
    if new.card:
        _explain_card(added.name, new.card, verified=new.verified)
    elif added.key:
        try:
            print(f"{added.name}\t{added.key}", flush=True)
        except OSError:
            edit_home(lambda home: home.remove_user(UserNamed(name=added.name)))  # the key was not shown
            raise
        say(f"Give this key to {added.name} over a channel that no one else can read; it is not shown again.")
    report_effect(edited)


def list_users(*, as_json: bool) -> None:
    """Print all users in the book; keys are never printed."""
    users = read_home(lambda home: home.people()).users
    if as_json:
        print_json(users)
        return
    rows = [
        (
            user.name,
            describe_user_origin(user),
            ", ".join(f"@{group}" for group in user.groups),
            "" if user.kind is UserKind.KEY else name_trust(verified=user.verified),
            user.fingerprint,
        )
        for user in users
    ]
    print_rows(("name", "known by", "groups", "verified", "fingerprint"), rows)


def remove_user(name: str) -> None:
    """Remove a user.

    Raises:
        NotFound: there is no such user.
    """
    edited = edit_home(lambda home: home.remove_user(UserNamed(name=name)))
    known = edited.answer.id
    say(f"Removed {for_display(known)}. Files they have already received stay with them.")
    warn_of_tickets(known)
    _warn_of_drops()
    report_effect(edited)


def verify_user(name: str, fingerprint: str) -> None:
    """Mark a user as verified, by the given fingerprint or by asking at the terminal.

    Raises:
        NotFound: there is no such user.
        BadInput: the user has no card, or that is not a fingerprint.
        Refused: the fingerprints differ, the answer was no, or this is not a terminal.
    """
    card = card_of(load_book(find_places().users_file).find(name))
    if not (card.fingerprint.matches(fingerprint) if fingerprint else _ask(name, card)):
        raise Refused(
            f"{for_display(name)} is not verified: the fingerprints differ",
            hint="Do not send anything yet: ask for the card over another channel.",
        )
    change = UserChange(name=name, verified=True, fingerprint=card.fingerprint.base32)
    edited = edit_home(lambda home: home.change_user(change))
    say(f"{for_display(name)} is verified.")
    report_effect(edited)


def regroup_user(name: str, *, join: Iterable[str], leave: Iterable[str]) -> None:
    """Add a user to groups and remove them from groups.

    Raises:
        NotFound: there is no such user, or they are not in a group to leave.
        BadInput: a group's name is not allowed.
    """
    change = UserChange(name=name, join=tuple(join), leave=tuple(leave))
    if not change.join and not change.leave:
        raise BadInput("No group was named", hint="Use --add GROUP or --remove GROUP.")

    async def regroup(home: HomeService) -> User:
        changed = (await home.change_user(change)).id
        return await _find(home, changed)

    edited = edit_home(regroup)
    groups = ", ".join(f"@{group}" for group in edited.answer.groups)
    say(f"{edited.answer.name} is in {groups or 'no group'}.")
    if change.leave:
        _warn_of_drops()
    report_effect(edited)


def accept_raw(name: str, *, accepted: bool) -> None:
    """Accept envelopes in the raw form that a user's key opens, or no longer accept them.

    Raises:
        NotFound: there is no such user.
        BadInput: the user has a card.
    """
    edited = edit_home(lambda home: home.change_user(UserChange(name=name, accept_raw=accepted)))
    whose = f"that the key of {for_display(edited.answer.id)} opens"
    say(f"Envelopes in the raw form {whose} are {'accepted' if accepted else 'not accepted'} in the inbox.")
    report_effect(edited)


def replace_user(name: str, text: str) -> None:
    """Replace a user's card: by a new one, or by one that the present card vouches for.

    Raises:
        NotFound: there is no such user.
        BadInput: it is neither, or the card of another user.
        Refused: the user's present card does not vouch for it.
    """

    async def replace(home: HomeService) -> User:
        changed = (await home.change_user(UserChange(name=name, card=text))).id
        return await _find(home, changed)

    edited = edit_home(replace)
    user = edited.answer
    if edited.by_agent:
        say(f"The envelopes for {for_display(user.name)} are being sealed again.")
    else:
        say(
            "Envelopes they already have stay sealed for the previous card, until the shares are shared again."
        )
    _explain_card(user.name, user.card, verified=user.verified)


async def _find(home: HomeService, name: str) -> User:
    for user in (await home.people()).users:
        if user.name == name:
            return user
    raise NotFound(f"{for_display(name)} was changed, and then removed by another command")


def _explain_card(name: str, card: str, *, verified: bool) -> None:
    info: CardInfo = read_home(lambda home: home.card_seen(CardText(card=card)))
    if fold_name(info.name) != fold_name(name):
        say(f"The card names {for_display(info.name)}; here the user is called {name}.")
    show_fingerprint(name, info)
    if verified:
        return
    say(f"Ask {name} to read their fingerprint (`tuishare card`) to you, face to face or by telephone. Then:")
    say(f"  tuishare user verify {name}")


def _ask(name: str, card: Card) -> bool:
    if not can_ask():
        raise Refused(
            "Cannot ask for confirmation: not a terminal",
            hint=f"Give the fingerprint that was read to you: `tuishare user verify {for_display(name)} WORDS...`.",
        )
    own = read_home(lambda home: home.people())
    if own.fingerprint:
        say(f"Read yours to {for_display(name)}, who compares it with the one they have:")
        show_fingerprint("your own card", own)
    show_fingerprint(for_display(name), describe_card(card))
    return ask("Is this exactly what was read to you?")


def _warn_of_drops() -> None:
    """Warn of drop folders whose users or groups no longer exist."""
    places = find_places()
    try:
        folders, book = load_config(places).drop, load_book(places.users_file)
    except TuishareError as error:
        warn(error.detail)
        return
    for folder in folders:
        for name in folder.users:
            try:
                book.resolve([name])
            except TuishareError as error:
                warn(f"the drop folder {folder.path} cannot be shared: {error.detail}")
