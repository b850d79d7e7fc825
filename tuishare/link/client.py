"""Calling another agent: the caller's half of the opening.

Owns the first message of a call, and what answers it. Must not choose when to call.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, assert_never

from tuishare.link.dial import Destination, connect
from tuishare.link.frames import BrokenRule, read_frame
from tuishare.link.invitation import Invitation, Party
from tuishare.link.invitation_exchange import Introduced, check_welcome, make_redeem
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import (
    STRANGER_LIMIT,
    Introduce,
    NotAdmitted,
    decode_invitation_answer,
    encode_message,
)
from tuishare.link.peer import ApprovalPending, InvitationRefused, LinkFailed, LinkStream
from tuishare.people.fingerprints import Fingerprint

_ANSWER_SECONDS: Final = 30


async def call_contact(key: LinkKey, destination: Destination, own_record: bytes) -> LinkStream:
    """Call a contact.

    Args:
        key: ours.
        destination: of their newest address record.
        own_record: signed; tells them who calls, should they not know our link key yet.

    Returns:
        The stream of a link on which `tuishare.link.session` is to be spoken next.

    Raises:
        LinkFailed: none of the addresses answers with that key, or they do not let us in.
    """
    stream = await connect(key, destination)
    stream.write(encode_message(Introduce(own_record)))
    return stream


async def redeem_invitation(key: LinkKey, invitation: Invitation, joiner: Party) -> Introduced:
    """Call the inviter, show who we are, and check who they are.

    Raises:
        LinkFailed: the inviter is not reached.
        ApprovalPending: they have to approve first.
        InvitationRefused: they do not take the invitation.
        VerificationFailed: the answer is not the inviter's.
    """
    stream = await connect(key, Destination(invitation.link_key, invitation.endpoints))
    try:
        redeem = make_redeem(invitation, joiner)
        stream.write(encode_message(redeem))
        try:
            is_content, data = await read_frame(stream, _ANSWER_SECONDS, STRANGER_LIMIT)
        except BrokenRule:
            raise
        except LinkFailed as error:
            raise InvitationRefused(
                "The inviter did not take the invitation",
                hint="It was cancelled, or changed on its way to you: ask for a new one.",
            ) from error
        if is_content:
            raise BrokenRule("content before a message")
        try:
            answer = decode_invitation_answer(data)
        except ValueError as error:
            raise BrokenRule("an answer that is none") from error
        if isinstance(answer, NotAdmitted):
            raise _explain(answer)
        return check_welcome(invitation, redeem, answer)
    finally:
        stream.close()


def _explain(answer: NotAdmitted) -> LinkFailed:
    """Return what the inviter said as an error; times are theirs."""
    when = f" on {datetime.fromtimestamp(answer.at, UTC):%Y-%m-%d %H:%M} UTC" if answer.at else ""
    detail, hint = "", "Ask for a new one."
    match answer.reason:
        case "approval":
            return ApprovalPending("The inviter has to approve first")
        case "declined":
            detail, hint = f"The inviter has declined{when}", "Ask them why, or for another invitation."
        case "used" if answer.fingerprint is not None:
            detail = f"The invitation was used{when} by the card with the fingerprint " + (
                Fingerprint(answer.fingerprint).base32
            )
            hint = "If that is not your card, tell the inviter: they can cancel it. Ask for a new one."
        case "used":
            detail = "All uses of the invitation are taken"
        case "ended":
            detail = f"The invitation has ended{when}"
        case "replaced":
            detail = "The inviter has other keys than at the time of the invitation"
        case "card":
            detail, hint = (
                "Your card has a key of another user of the inviter",
                "Ask them to look at their users.",
            )
        case _ as never:
            assert_never(never)
    return InvitationRefused(detail, hint=hint, is_answered=True)
