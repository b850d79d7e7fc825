"""``tuishare invite`` and ``tuishare join``: two users become known to each other by one string.

Owns the dialogue with the user of the command. The string is printed alone on stdout, so that it can be piped.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tuishare.api.messages import (
    Invitation,
    InvitationNamed,
    InvitationText,
    Joiner,
    JoinerAnswer,
    JoinerState,
    Joining,
    NewInvitation,
)
from tuishare.cli.agent import ask_agent
from tuishare.cli.input_files import read_start
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import ask, can_ask, is_terminal, print_rows, say
from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.fs.atomic import read_limited
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.invitations import (
    BY_HAND,
    describe_asking,
    describe_invitation,
    describe_joiner,
    describe_waiting,
    describe_words,
)
from tuishare.presentation.qr_code import draw_qr_code
from tuishare.sanitize import for_display

_Listed = TypeVar("_Listed", Invitation, Joining)
_PREFIX = "tuishare-invite-"
_LONGEST = 4_096
_INK, _END = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
"""Black on white, in the colours that no theme changes."""


@dataclass(frozen=True, slots=True)
class InviteOptions:
    """An invitation as it is asked for on the command line."""

    name: str
    groups: tuple[str, ...]
    expires: str
    uses: int
    ask: bool


def invite(options: InviteOptions, *, as_json: bool) -> None:
    """Print an invitation.

    Raises:
        BadInput: a name or the end is not allowed.
    """
    new = NewInvitation(
        name=options.name,
        groups=tuple(group.removeprefix("@") for group in options.groups),
        until=parse_expiry(options.expires, time.time()),
        uses=options.uses,
        ask=options.ask,
    )
    made = ask_agent(lambda client: client.invite(new))
    if as_json:
        print_json(made)
        return
    print(made.text, flush=True)
    _show_code(made.text)
    whom = made.name or ("one person" if new.uses == 1 else f"{new.uses:,} people at most")
    times = "once" if new.uses == 1 else f"{new.uses:,} times; those who join are not verified"
    say(f"Send this to {whom} over a channel that no one else reads; it can be used {times}.")
    say(f"It ends {format_timestamp(made.until)}. They run: tuishare join STRING")
    if new.ask:
        say(f"You approve each of them: tuishare invite approve {made.id[:8]}")
    say("`tuishare invite list` shows when it was used, and four words that both of you can compare.")


def _show_code(text: str) -> None:
    """Print the QR code of an invitation, if both streams lead to a terminal where it fits."""
    if not (is_terminal(sys.stdout) and is_terminal(sys.stderr)):
        return
    lines = draw_qr_code(text)
    if len(lines[0]) <= shutil.get_terminal_size().columns:
        print(*(f"{_INK}{line}{_END}" for line in lines), sep="\n", file=sys.stderr, flush=True)


def list_invitations(*, as_json: bool) -> None:
    """Print the invitations that were given out, without their strings."""
    invitations = ask_agent(lambda client: client.invitations())
    if as_json:
        print_json(invitations)
        return
    rows = []
    for each in invitations:
        state = describe_invitation(each, time.time(), format_timestamp)
        rows.append((each.id[:8], each.name, state, "", "", ""))
        rows += [
            (
                each.id[:8],
                joiner.called,
                describe_joiner(joiner, format_timestamp),
                joiner.words,
                joiner.address,
                joiner.fingerprint,
            )
            for joiner in each.joiners
        ]
    print_rows(("id", "for", "state", "words", "called from", "fingerprint"), rows)


def answer(id_: str, who: str, *, approve: bool, agreed: bool, as_json: bool) -> None:
    """Let in one who asks to join, after a confirmation unless `agreed`, or never.

    Args:
        id_: of the invitation.
        who: the name on their card, or their fingerprint; empty: the only one who asks.
        approve: let them in.
        agreed: do not ask.
        as_json: print the answer of the agent.

    Raises:
        NotFound: no one asks, or not by that name.
        BadInput: several do, so a name is needed; or confirmation is needed, and this is not a terminal.
        Refused: the answer was no.
    """
    chosen = _find_invitation(id_)
    asking = [each for each in chosen.joiners if each.state is JoinerState.ASKS and _is_meant(each, who)]
    if len(asking) != 1:
        hint = "`tuishare invite list` shows who asks to join."
        if not asking:
            raise NotFound("No one of that name asks to join by this invitation", hint=hint)
        # Anyone who has the string can ask under any name.
        several = "; ".join(f"{for_display(each.called)}: {each.fingerprint}" for each in asking)
        raise BadInput(
            "Several people ask to join by this invitation",
            hint=f"Give the fingerprint of one of them, as they read it to you. {several}",
        )
    (joiner,) = asking
    if not agreed:
        _confirm(joiner)
    given = JoinerAnswer(id=chosen.id, fingerprint=joiner.fingerprint, approve=approve)
    accepted = ask_agent(lambda client: client.answer_joiner(given))
    if as_json:
        print_json(accepted)
    elif approve:
        say(f"{for_display(joiner.called)} joins when their agent calls again, within a minute.")
    else:
        say(f"{for_display(joiner.called)} does not join by this invitation.")


def _confirm(joiner: Joiner) -> None:
    """Show who asks, and ask whether they may join."""
    say(f"{for_display(joiner.called)} asks to join.")
    for line in describe_asking(joiner):
        say(line)
    if not can_ask():
        raise BadInput(
            "Cannot ask for confirmation: not a terminal", hint="Compare the words above, then use --yes."
        )
    if not ask("Let them join?"):
        raise Refused("They still wait", hint="`tuishare invite decline` refuses them for good.")


def _is_meant(joiner: Joiner, who: str) -> bool:
    return who in {"", joiner.called} or "".join(who.upper().split()) == "".join(joiner.fingerprint.split())


def cancel_invitation(id_: str, *, as_json: bool) -> None:
    """Delete an invitation; a user whom it has added is revoked everywhere and removed.

    Raises:
        NotFound: no invitation has an id that begins like that, or several have.
    """
    chosen = _find_invitation(id_)
    accepted = ask_agent(lambda client: client.cancel_invitation(InvitationNamed(id=chosen.id)))
    if as_json:
        print_json(accepted)
        return
    removed = ", ".join(member.user for member in chosen.members if not member.was_known)
    left = ", ".join(member.user for member in chosen.members if member.was_known)
    say(f"The invitation is cancelled; {removed} removed." if removed else "The invitation is cancelled.")
    if left:
        say(
            f"{left}: known before, so only the trust and the groups that the invitation gave are taken back."
        )


def _find_invitation(id_: str) -> Invitation:
    return _choose(id_, ask_agent(lambda client: client.invitations()), "tuishare invite list")


def _choose(id_: str, listed: Iterable[_Listed], command: str) -> _Listed:
    """Return the only entry whose id begins like that."""
    found = [each for each in listed if each.id.startswith(id_)]
    if len(found) != 1 or not id_:
        raise NotFound(
            "There is no such invitation" if not found else "Several invitations have such an id",
            hint=f"`{command}` shows them all.",
        )
    return found[0]


def join(given: str, *, as_json: bool) -> None:
    """Redeem an invitation: its string, a file that holds it, or ``-`` for stdin.

    Raises:
        BadInput: it is no invitation.
        TuishareError: the inviter does not take it.
    """
    text = read_string(given, _PREFIX, "an invitation")
    joined = ask_agent(lambda client: client.join(InvitationText(text=text)))
    if as_json:
        print_json(joined)
        return
    if not joined.user:
        say(describe_waiting(joined, format_timestamp))
        say(f"`tuishare join list` shows it. {BY_HAND}")
        return
    trust = "verified" if joined.verified else "not verified"
    say(f"{joined.user} is known to you now ({trust}), and you to them.")
    say(describe_words(joined.words))


def list_joins(*, as_json: bool) -> None:
    """Print the invitations whose senders are called again."""
    joins = ask_agent(lambda client: client.joins())
    if as_json:
        print_json(joins)
        return
    rows = [
        (
            each.id[:8],
            format_timestamp(each.until),
            format_timestamp(each.tried) if each.tried else "",
            each.error,
            each.words,
        )
        for each in joins
    ]
    print_rows(("id", "until", "last call", "last error", "words"), rows)


def cancel_join(id_: str, *, as_json: bool) -> None:
    """Call the sender of an invitation no longer.

    Raises:
        NotFound: no invitation has an id that begins like that, or several have.
    """
    chosen = _choose(id_, ask_agent(lambda client: client.joins()), "tuishare join list")
    accepted = ask_agent(lambda client: client.cancel_join(InvitationNamed(id=chosen.id)))
    if as_json:
        print_json(accepted)
    else:
        say("Its sender is called no longer.")


def read_string(given: str, prefix: str, what: str) -> str:
    """Return a string that was given as it is, in a file, or on stdin (``-``).

    Args:
        given: by the user.
        prefix: with which every version of the string begins.
        what: it is, in a sentence.

    Raises:
        BadInput: it is neither the string nor a file that holds text.
    """
    if "".join(given.split()).startswith(prefix):
        return given[:_LONGEST]
    try:
        found = read_start("-", _LONGEST, what) if given == "-" else read_limited(Path(given), _LONGEST)
        return found.decode()
    except NotFound:
        raise BadInput(f"This is neither {what} nor a file", hint=f"It starts with {prefix}v1:.") from None
    except (UnicodeDecodeError, SystemFailed) as error:
        raise BadInput(
            f"This file holds no {what.split(' ', 1)[1]}", hint="Paste the text itself."
        ) from error
