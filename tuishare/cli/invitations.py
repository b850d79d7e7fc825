"""``tuishare invite`` and ``tuishare join``: two users become known to each other by one string.

Owns the dialogue with the user of the command. The string is printed alone on stdout, so that it can be piped.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tuishare.api.messages import Invitation, InvitationNamed, InvitationText, NewInvitation
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.terminal import is_terminal, print_rows, say
from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput, NotFound, SystemFailed
from tuishare.fs.atomic import read_limited
from tuishare.presentation.formats import format_timestamp
from tuishare.presentation.invitations import describe_invitation, describe_words
from tuishare.presentation.qr_code import draw_qr_code

_PREFIX = "tuishare-invite-"
_LONGEST = 4_096
_INK, _END = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
"""Black on white, in the colours that no theme changes."""


def invite(name: str, groups: Iterable[str], expires: str, *, as_json: bool) -> None:
    """Print an invitation for one person.

    Raises:
        BadInput: a name or the end is not allowed.
    """
    until = parse_expiry(expires, time.time())
    teams = tuple(group.removeprefix("@") for group in groups)
    made = ask_agent(lambda client: client.invite(NewInvitation(name=name, groups=teams, until=until)))
    if as_json:
        print_json(made)
        return
    print(made.text, flush=True)
    _show_code(made.text)
    whom = made.name or "one person"
    say(f"Send this to {whom} over a channel that no one else reads; it can be used once.")
    say(f"It ends {format_timestamp(made.until)}. They run: tuishare join STRING")
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
    rows = [(each.id[:8], each.name, *_describe(each)) for each in invitations]
    print_rows(("id", "for", "state", "words", "called from"), rows)


def _describe(invitation: Invitation) -> tuple[str, str, str]:
    state = describe_invitation(invitation, time.time(), format_timestamp)
    return state, invitation.words, invitation.address


def cancel_invitation(id_: str, *, as_json: bool) -> None:
    """Delete an invitation; a user who has used it is revoked everywhere and removed.

    Raises:
        NotFound: no invitation has an id that begins like that, or several have.
    """
    found = [each for each in ask_agent(lambda client: client.invitations()) if each.id.startswith(id_)]
    if len(found) != 1 or not id_:
        raise NotFound(
            "There is no such invitation" if not found else "Several invitations have such an id",
            hint="`tuishare invite list` shows them all.",
        )
    (chosen,) = found
    accepted = ask_agent(lambda client: client.cancel_invitation(InvitationNamed(id=chosen.id)))
    if as_json:
        print_json(accepted)
        return
    say(
        f"The invitation is cancelled; {chosen.user} was removed."
        if chosen.used
        else "The invitation is cancelled."
    )


def join(given: str, *, as_json: bool) -> None:
    """Redeem an invitation: its string, a file that holds it, or ``-`` for stdin.

    Raises:
        BadInput: it is no invitation.
        TuishareError: the inviter is not reached, or does not take it.
    """
    text = _read(given)
    joined = ask_agent(lambda client: client.join(InvitationText(text=text)))
    if as_json:
        print_json(joined)
        return
    trust = "verified" if joined.verified else "not verified"
    say(f"{joined.user} is known to you now ({trust}), and you to them.")
    say(describe_words(joined.words))


def _read(given: str) -> str:
    if given == "-":
        return sys.stdin.read(_LONGEST)
    if "".join(given.split()).startswith(_PREFIX):
        return given[:_LONGEST]
    try:
        return read_limited(Path(given), _LONGEST).decode()
    except NotFound:
        raise BadInput(
            "This is neither an invitation nor a file", hint=f"An invitation starts with {_PREFIX}v1:."
        ) from None
    except (UnicodeDecodeError, SystemFailed) as error:
        raise BadInput("This file holds no invitation", hint="Paste the invitation itself.") from error
