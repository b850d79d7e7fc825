"""The wording of invitations. Pure; names in the result are untrusted text. Times are Unix seconds."""

from __future__ import annotations

from typing import Final, assert_never

from tuishare.api.messages import Invitation, Joiner, JoinerState, Joining
from tuishare.presentation.formats import format_count, format_part
from tuishare.presentation.links import WriteTime
from tuishare.presentation.problems import write_sentence

BY_HAND: Final = "By hand: exchange cards (`tuishare card`, `tuishare user add`)."
"""The way that remains when the inviter is not reached."""


def describe_invitation(invitation: Invitation, now: float, write_time: WriteTime) -> str:
    """Return what became of an invitation: ``used by bob 10:02``, ``open until Nov 30``, ``1 of 10 joined, …``."""
    members = invitation.members
    if invitation.uses == 1 and members:
        return f"used by {members[0].user} {write_time(members[0].at)}"
    end = f"{'ended' if invitation.until <= now else 'open until'} {write_time(invitation.until)}"
    if invitation.outdated and invitation.until > now:
        end = "of no use: you have other keys by now, invite again"
    if invitation.uses > 1:
        end = f"{format_part(len(members), invitation.uses)} joined, {end}"
    asking = sum(joiner.state is JoinerState.ASKS for joiner in invitation.joiners)
    return f"{format_count(asking, 'person asks', 'people ask')} to join, {end}" if asking else end


def describe_joiner(joiner: Joiner, write_time: WriteTime) -> str:
    """Return how far one has come with an invitation: ``joined as bob 10:02``, ``refused 10:04``."""
    match joiner.state:
        case JoinerState.JOINED:
            words = f"joined as {joiner.user}"
        case JoinerState.ASKS:
            words = "asks to join"
        case JoinerState.APPROVED:
            words = "approved, joins when their agent calls again"
        case JoinerState.DECLINED:
            words = "declined"
        case JoinerState.TRIED:
            words = "refused"
        case _:
            assert_never(joiner.state)
    return f"{words} {write_time(joiner.at)}"


def describe_words(words: str) -> str:
    """Return the sentence about the words that both sides see."""
    return f"Both of you see these words, and may compare them: {words}"


def describe_waiting(joining: Joining, write_time: WriteTime) -> str:
    """Return the sentences about an inviter who has to be called again."""
    until = f"Your agent calls again until {write_time(joining.until)}, also after a restart."
    words = f" {describe_words(joining.words)}." if joining.words else ""
    return f"{write_sentence(joining.error)} {until}{words}".lstrip()


def describe_asking(joiner: Joiner) -> tuple[str, ...]:
    """Return the lines by which the user can tell who asks to join."""
    return (
        f"Called from {joiner.address}.",
        f"The words on their screen must be: {joiner.words}",
        f"The fingerprint of their card: {joiner.fingerprint}",
    )
