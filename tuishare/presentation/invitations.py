"""The wording of invitations. Pure; names in the result are untrusted text. Times are Unix seconds."""

from __future__ import annotations

from tuishare.api.messages import Invitation
from tuishare.presentation.links import WriteTime


def describe_invitation(invitation: Invitation, now: float, write_time: WriteTime) -> str:
    """Return what became of an invitation: ``used by bob 10:02``, ``open until Nov 30``."""
    if invitation.used:
        return f"used by {invitation.user} {write_time(invitation.used)}"
    return f"{'ended' if invitation.until <= now else 'open until'} {write_time(invitation.until)}"


def describe_words(words: str) -> str:
    """Return the sentence about the words that both sides see."""
    return f"Both of you see these words, and may compare them: {words}"
