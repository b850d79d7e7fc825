"""Invitations: making one, using one, and what became of those."""

from __future__ import annotations

from tuishare.api.messages import InvitationNamed, InvitationText, JoinerAnswer, NewInvitation
from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput
from tuishare.presentation.pasted_input import INVITATION_PREFIX, find_invitation, split_groups
from tuishare.presentation.qr_code import draw_qr_code
from tuishare.web.visit import Moved, Page, Visit, path_of

_ID = 32
_MOST = 1_000


async def list_invitations(visit: Visit) -> Page:
    """Show the invitations that are being used, and those that were given out, newest first."""
    joins, given = await visit.agent.joins(), await visit.agent.invitations()
    return Page("invitations", {"joins": joins[::-1], "given": given[::-1]})


async def ask_invitation(visit: Visit) -> Page:
    """Ask for whom an invitation is."""
    del visit
    return Page("invite")


async def invite(visit: Visit) -> Page:
    """Make an invitation, and show its string this once.

    Raises:
        BadInput: a field is malformed.
        TuishareError: from the agent.
    """
    form = visit.form
    uses = form.text("uses", "1")
    if not (uses.isascii() and uses.isdecimal() and len(uses) < 5 and 1 <= int(uses) <= _MOST):
        raise BadInput("It is not a number of people", hint=f"Enter a number from 1 to {_MOST:,}.")
    if int(uses) > 1 and form.text("name"):
        raise BadInput("Several people cannot have one name", hint="Leave the name empty.")
    if len(form.text("name")) > 256:
        raise BadInput("The name is too long", hint="Use at most 256 characters.")
    made = await visit.agent.invite(
        NewInvitation(
            name=form.text("name"),
            groups=split_groups(form.text("groups")),
            until=parse_expiry(form.text("ends") or "7d", visit.now),
            uses=int(uses),
            ask=form.selected("ask"),
        )
    )
    return Page("invitation", {"invitation": made, "code": draw_qr_code(made.text)})


async def cancel_invitation(visit: Visit) -> Moved:
    """Cancel an invitation that was given out."""
    await visit.agent.cancel_invitation(InvitationNamed(id=_id(visit.form.text("id"))))
    return Moved("/invitations", "The invitation is cancelled.")


async def answer_joiner(visit: Visit) -> Moved:
    """Let in one who asks to join, or never."""
    approve = visit.form.text("answer") == "approve"
    fingerprint = visit.form.text("fingerprint")[:64]
    answer = JoinerAnswer(id=_id(visit.form.text("id")), fingerprint=fingerprint, approve=approve)
    name = (await visit.agent.answer_joiner(answer)).id
    return Moved("/invitations", f"{'Approved' if approve else 'Declined'}: {name}.")


async def ask_join(visit: Visit) -> Page:
    """Ask for an invitation of another user."""
    del visit
    return Page("join")


async def join(visit: Visit) -> Moved | Page:
    """Use an invitation; both sides are known to each other afterwards.

    Raises:
        BadInput: it is no invitation.
        TuishareError: from the agent.
    """
    text = find_invitation(visit.form.exact("invitation"))
    if not text.startswith(INVITATION_PREFIX) or len(text) > 4096:
        raise BadInput(f"An invitation begins with {INVITATION_PREFIX}v1:", hint="Paste the whole text.")
    joined = await visit.agent.join(InvitationText(text=text))
    if joined.user:
        words = f"{joined.user} is known to you now, and you to them. Both of you see: {joined.words}"
        return Moved(path_of("people", joined.user), words)
    return Page("joining", {"joining": joined})


async def cancel_join(visit: Visit) -> Moved:
    """Call the sender of an invitation no longer."""
    await visit.agent.cancel_join(InvitationNamed(id=_id(visit.form.text("id"))))
    return Moved("/invitations", "Its sender is called no longer.")


def _id(text: str) -> str:
    """Return the id of an invitation.

    Raises:
        BadInput: it is none.
    """
    if len(text) != _ID:
        raise BadInput("This is no invitation", hint="Open the list again.")
    return text
