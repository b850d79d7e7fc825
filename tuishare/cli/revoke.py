"""``tuishare revoke``: end a user's access to a share, or to all shares.

Owns the explanation of the effects, of what remains to be done, and of what cannot be undone.
"""

from __future__ import annotations

from tuishare.api.client import AgentClient
from tuishare.api.messages import Accepted, DeliveryState, Share, UserNamed
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import fetch_entries, require_taken
from tuishare.cli.terminal import say, warn
from tuishare.errors import BadInput, TuishareError
from tuishare.sanitize import for_display

_NAME = 80


def revoke(words: list[str], *, everywhere: bool, as_json: bool) -> None:
    """End a user's access to one share, or to all shares.

    Args:
        words: share and user; with `everywhere` the user alone.
        everywhere: revoke access to all shares.
        as_json: print the ids of the changed shares.

    Raises:
        BadInput: a share or user is missing.
        NotFound: there is no such share, or it is not for that user.
    """
    if len(words) != (1 if everywhere else 2):
        raise BadInput(
            "Name the share and the user",
            hint="tuishare revoke SHARE USER, or: tuishare revoke --everywhere USER",
        )
    user = words[-1]
    concerned = ask_agent(lambda client: _revoke(client, words, everywhere=everywhere))
    out = [share for share in concerned if _is_out(share, user)]
    changed = [share for share in concerned if share not in out]
    if as_json:
        print_json([Accepted(id=share.id) for share in changed])
    for share in out:
        say(f"{for_display(user, _NAME)} was already revoked from “{for_display(share.name, _NAME)}”.")
    if not out:
        _explain(user, changed)


def warn_of_tickets(user: str) -> None:
    """Warn of tickets that a removed user still holds; without an agent nothing is seeded to them."""
    try:
        shares = ask_agent(AgentClient.shares)
    except TuishareError:
        return
    held = sum(user in _members(share) for share in shares)
    if held:
        named = for_display(user, _NAME)
        warn(
            f"{named} still holds tickets for {held:,} share{'s' if held > 1 else ''}: "
            f"`tuishare revoke --everywhere {named}` revokes them"
        )


async def _revoke(client: AgentClient, words: list[str], *, everywhere: bool) -> list[Share]:
    entries, user = await fetch_entries(client), words[-1]
    if everywhere:
        concerned = [share for share in entries.shares if user in _members(share)]
        await client.revoke_user(UserNamed(name=user))
        return concerned
    share = entries.find_share(words[0])
    require_taken(share)
    await client.revoke_from_share(share.id, UserNamed(name=user))
    return [share]


def _members(share: Share) -> list[str]:
    return [row.user for row in share.deliveries if row.state is not DeliveryState.REVOKED]


def _is_out(share: Share, user: str) -> bool:
    return any(row.user == user and row.state is DeliveryState.REVOKED for row in share.deliveries)


def _explain(user: str, changed: list[Share]) -> None:
    who = for_display(user, _NAME)
    for share in changed:
        say(f"Revoked the access of {who} to “{for_display(share.name, _NAME)}”.")
    say(f"{who} no longer gets peers from our tracker.")
    if any(share.transport == "tls" for share in changed):
        say(f"{who} is disconnected and cannot connect to this agent again.")
    say("Data already downloaded stays with them, and others can still pass it on.")
    others = sorted({name for share in changed for name in _members(share)} - {user})
    if others:
        named = ", ".join(for_display(name, _NAME) for name in others)
        say(f"New envelopes are in the outbox: send them to {named}. Nothing is downloaded twice.")
        say(f"Until they have them, they cannot download from you, and still accept connections from {who}.")
    if any(share.transport == "plain" for share in changed):
        warn("a plain swarm checks no certificates: any client that knows a peer's address can still connect")
