"""Calling another agent: the caller's half of the opening.

Owns the first message of a call, and what answers it. Must not choose when to call.
"""

from __future__ import annotations

from typing import Final

from tuishare.link.dial import Destination, connect
from tuishare.link.frames import BrokenRule, read_frame
from tuishare.link.invitation import Invitation, Party
from tuishare.link.invitation_exchange import Introduced, check_welcome, make_redeem
from tuishare.link.link_key import LinkKey
from tuishare.link.messages import STRANGER_LIMIT, Introduce, decode_welcome, encode_message
from tuishare.link.peer import InvitationRefused, LinkFailed, LinkStream

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
        InvitationRefused: they do not take the invitation, and do not say why.
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
                hint="It was used, has ended, or was cancelled: ask for a new one.",
            ) from error
        if is_content:
            raise BrokenRule("content before a message")
        try:
            welcome = decode_welcome(data)
        except ValueError as error:
            raise BrokenRule("an answer that is none") from error
        return check_welcome(invitation, redeem, welcome)
    finally:
        stream.close()
