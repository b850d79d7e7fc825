"""Sharing again by command: a share gets more recipients, and no user loses access unnoticed.

Owns the new recipients and the new end of such a share. Must not change it: `tuishare.agent.shares.admission` does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.transitions import ShareTarget
from tuishare.core.records import ShareRecord
from tuishare.errors import Refused
from tuishare.people import User, fold_name
from tuishare.sanitize import for_display

_NAME: Final = 80


def add_recipients(
    share: ShareRecord, target: ShareTarget, users: Collection[User], deliveries: Deliveries, now: int
) -> ShareTarget:
    """Return the target of a share that is shared again.

    Args:
        share: as it is.
        target: as ordered; an empty note and no end mean those that the share has.
        users: the users that the target means.
        deliveries: the recipients.
        now: Unix seconds.

    Raises:
        Refused: a user who has a ticket would lose it or its swarm, or a named user was revoked.
    """
    if not share.step.is_removed:
        _require_none_out(share, target, users, deliveries)
    if share.step.has_ended or 0 < share.not_after < now:
        return target  # no user has access, so none can lose it
    if target.transport != share.transport:
        raise Refused(
            f"“{for_display(share.name, _NAME)}” has a {share.transport} swarm, which its recipients would lose",
            hint=f"Use --transport {share.transport}, or `tuishare forget` it first.",
        )
    kept = replace(target, note=target.note or share.note, not_after=target.not_after or share.not_after)
    losing = () if kept.matches(share) else deliveries.would_lose_access(share.id, users)
    if losing:
        named = ", ".join(losing)
        raise Refused(
            f"“{for_display(share.name, _NAME)}” is shared with {named} too, who would lose access",
            hint=f"Name {named} with --to as well, or use `tuishare revoke` first.",
        )
    return kept


def _require_none_out(
    share: ShareRecord, target: ShareTarget, users: Collection[User], deliveries: Deliveries
) -> None:
    """Refuse revoked users who are named themselves; a group is sealed without them."""
    named = set(map(fold_name, target.users))
    out = [
        user.name for user in users if fold_name(user.name) in named and deliveries.is_revoked(share.id, user)
    ]
    if out:
        raise Refused(
            f"{', '.join(out)} {'were' if len(out) > 1 else 'was'} revoked from “{for_display(share.name, _NAME)}”",
            hint="Remove the share with `tuishare forget`, then share it again.",
        )
