"""The wording of links, and of how an envelope reaches its recipient.

Pure; names and details in the result are untrusted text. Times are Unix seconds; `write_time` writes one as text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, assert_never

from tuishare.api.messages import Handover, HandoverState, Link
from tuishare.presentation.formats import format_count, format_span

WriteTime = Callable[[int], str]
NEVER_REACHED: Final = "not reached yet"
UNREACHED: Final = "nowhere: no link port is open, so no agent can call this one"
"""Shown where contacts are told no address."""


def name_link(link: Link, write_time: WriteTime) -> str:
    """Return the state of a link in a few words: ``open since 10:02``, ``away since 10:02``."""
    if link.since:
        return f"open since {write_time(link.since)}"
    if link.away:
        return f"away since {write_time(link.away)}"
    return NEVER_REACHED if link.addresses else "no address"


def describe_link(link: Link, write_time: WriteTime) -> str:
    """Return the state of a link as a sentence without its end."""
    if link.since:
        side = "this agent called" if link.called else "they called"
        return f"{name_link(link, write_time)} ({side})"
    if not link.addresses and not link.away:
        return "no address known: one envelope has to be carried by hand"
    return name_link(link, write_time)


def describe_last_error(link: Link, write_time: WriteTime) -> str:
    """Return why a link is not open, one sentence; empty while it is, or while nothing was tried."""
    if link.since or not link.error:
        return ""
    return f"{link.error} (tried {write_time(link.tried)})" if link.tried else link.error


def describe_silence(user: str, addresses: int, tried: int, now: float) -> str:
    """Return that an agent did not answer: ``bob's agent does not answer (2 addresses, tried 12 s ago)``.

    Args:
        user: whose agent.
        addresses: how many were called.
        tried: when.
        now: the present moment.
    """
    called = format_count(addresses, "address", "addresses")
    return f"{user}'s agent does not answer ({called}, tried {format_span(now - tried)} ago)"


def describe_handover(user: str, handover: Handover, write_time: WriteTime, now: float) -> str:
    """Return how an envelope reaches a recipient; empty where it is carried by hand."""
    match handover.state:
        case HandoverState.BY_HAND:
            return ""
        case HandoverState.HANDED_OVER:
            return f"handed over {write_time(handover.at)}" if handover.at else "handed over"
        case HandoverState.REFUSED:
            return f"refused: {handover.detail}" if handover.detail else "refused"
        case HandoverState.WAITING if handover.hub:
            return f"by hub: in their mailbox since {write_time(handover.hub)}"
        case HandoverState.WAITING if handover.tried:
            return f"waiting: {describe_silence(user, handover.addresses, handover.tried, now)}"
        case HandoverState.WAITING:
            return f"waiting: {handover.detail}" if handover.detail else "waiting to be handed over"
        case _:
            assert_never(handover.state)
