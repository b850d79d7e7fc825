"""``tuishare user rotate``: new keys for ourselves, or for somebody who has a key of ours.

Owns the dialogue with the person. An agent that runs does it, because it seals everything again; without one, the next
one does that when it starts.
"""

from __future__ import annotations

from tuishare.api.client import AgentClient
from tuishare.api.error_body import ProtocolMismatch
from tuishare.api.messages import UserAdded, UserNamed
from tuishare.cli.agent import ask_agent
from tuishare.cli.cards import show_fingerprint
from tuishare.cli.terminal import ask, can_ask, say
from tuishare.config.model import load_config
from tuishare.core.home_lock import HomeLock
from tuishare.errors import AgentUnreachable, BadInput, Refused, SystemFailed
from tuishare.home_paths import Places, find_places
from tuishare.people import edit_book, format_key, load_identity, replace_key, rotate_identity


def rotate_ourselves(*, agreed: bool) -> None:
    """Give ourselves new keys; prints the former card's word for the new one.

    Raises:
        NotFound: we have no keys yet.
        BadInput: nobody agreed, and nobody can be asked.
        Refused: the person said no.
        BadConfiguration: identity or settings are not usable.
    """
    if not agreed:
        _ask()
    places = find_places()
    try:
        ask_agent(AgentClient.rotate_identity)
    except ProtocolMismatch:
        raise
    except AgentUnreachable:
        _rotate(places)
        say("What you share is sealed again when the agent starts.")
    else:
        say("What you share is being sealed again; hand the new encrypted torrents out.")
    identity = load_identity(places.identity_file)
    card = identity.card(load_config(places).name)
    print(identity.succession, flush=True)
    show_fingerprint(card.name, card.fingerprint)
    say(
        "Whoever gets something from you hears of it by himself. To the others give the line above: "
        "`tuishare user replace NAME` takes it."
    )
    say("If somebody may have stolen your former keys, tell everybody to compare fingerprints again.")


def rotate_key(name: str) -> None:
    """Give a user with a key another one; prints ``NAME<tab>KEY``.

    Raises:
        NotFound: nobody has that name.
        BadInput: he has a card.
    """
    try:
        made = ask_agent(lambda client: client.new_key(UserNamed(name=name)))
    except ProtocolMismatch:
        raise
    except AgentUnreachable:
        made = _rekey(find_places(), name)
        say("What he has had so far stays sealed with the former key, until it is shared again.")
    else:
        say(f"What is shared with {made.name} is being sealed again.")
    try:
        print(f"{made.name}\t{made.key}", flush=True)
    except OSError as error:
        raise SystemFailed(
            f"The new key of {made.name} could not be shown: {error.strerror}",
            hint="Nobody has seen it: run the same command again for another one.",
        ) from error
    say(f"Give this key to {made.name} over a way that nobody else can read; it is not shown again.")


def _rotate(places: Places) -> None:
    lock = HomeLock(places.lock_file)
    lock.acquire()
    try:
        rotate_identity(places.identity_file, load_config(places).name)
    finally:
        lock.release()


def _rekey(places: Places, name: str) -> UserAdded:
    user = edit_book(places.users_file, lambda book: book.replace(replace_key(book.find(name)))).find(name)
    return UserAdded(name=user.name, key=format_key(user.key or b""))


def _ask() -> None:
    if not can_ask():
        raise BadInput("Nobody can be asked: this is not a terminal", hint="Say it with --yes.")
    say(
        "You get new keys and a new card. Your former card vouches for it; what was sealed for that still opens."
    )
    if not ask("Replace your keys?"):
        raise Refused("Nothing was changed")
