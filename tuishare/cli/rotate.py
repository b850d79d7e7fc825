"""``tuishare user rotate``: new keys for this home, or for a user who is known by a key.

Owns the dialogue with the user. A running agent seals everything again at once, another one when it starts.
"""

from __future__ import annotations

from tuishare.api.messages import People, UserNamed
from tuishare.api.service import HomeService
from tuishare.cli.cards import show_fingerprint
from tuishare.cli.edit_home import edit_home
from tuishare.cli.terminal import ask, can_ask, say
from tuishare.errors import BadInput, Refused, SystemFailed


def rotate_ourselves(*, agreed: bool) -> None:
    """Replace this home's keys; prints the previous card's signed statement for the new one.

    Raises:
        NotFound: there are no keys yet.
        BadInput: confirmation is needed, and this is not a terminal.
        Refused: the answer was no.
        BadConfiguration: identity or settings are not usable.
    """
    if not agreed:
        _ask()
    edited = edit_home(_rotate)
    if edited.by_agent:
        say("Your shares are being sealed again; send the new envelopes to their recipients.")
    else:
        say("Your shares are sealed again when the agent starts.")
    print(edited.answer.succession, flush=True)
    show_fingerprint("your new card", edited.answer)
    say(
        "Recipients of your envelopes learn of it automatically. Give the line above to the others: "
        "`tuishare user replace NAME` accepts it."
    )
    say("If your previous keys may have been stolen, ask all users to compare fingerprints again.")
    say("Open invitations of yours are of no use any more: `tuishare invite` makes new ones.")


def rotate_key(name: str) -> None:
    """Replace the key of a user who has one; prints ``NAME<tab>KEY``.

    Raises:
        NotFound: there is no such user.
        BadInput: the user has a card.
    """
    edited = edit_home(lambda home: home.new_key(UserNamed(name=name)))
    made = edited.answer
    if edited.by_agent:
        say(f"The envelopes for {made.name} are being sealed again.")
    else:
        say(
            "Envelopes they already have stay sealed with the previous key, until the shares are shared again."
        )
    try:
        print(f"{made.name}\t{made.key}", flush=True)
    except OSError as error:
        raise SystemFailed(
            f"The new key of {made.name} could not be shown: {error.strerror}",
            hint="It was not shown anywhere: run the same command again for another one.",
        ) from error
    say(f"Give this key to {made.name} over a channel that no one else can read; it is not shown again.")


async def _rotate(home: HomeService) -> People:
    await home.rotate_identity()
    return await home.people()


def _ask() -> None:
    if not can_ask():
        raise BadInput("Cannot ask for confirmation: not a terminal", hint="Use --yes.")
    say(
        "You get new keys and a new card. Your previous card vouches for it; envelopes sealed for that still open."
    )
    if not ask("Replace your keys?"):
        raise Refused("Nothing was changed")
