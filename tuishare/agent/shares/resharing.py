"""Sharing by command what is shared already: more people may get it, and nobody loses or is denied it unnoticed.

Owns for whom, and until when, such a share is then. Must not change it: `tuishare.agent.shares.queue` does.
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
    share: ShareRecord, audience: ShareTarget, users: Collection[User], deliveries: Deliveries, now: int
) -> ShareTarget:
    """Say for whom a share is to be that is shared once more.

    Args:
        share: as it is.
        audience: what was asked for; an empty note and no end mean those that it has.
        users: who that is.
        deliveries: who has tickets.
        now: Unix seconds.

    Raises:
        Refused: somebody who has a ticket would lose it or its swarm, or somebody was named who was taken out.
    """
    if not share.step.is_removed:
        _require_none_out(share, audience, users, deliveries)
    if share.step.has_ended or 0 < share.not_after < now:
        return audience  # nobody has it any more, so this is something new
    if audience.transport != share.transport:
        raise Refused(
            f"“{for_display(share.name, _NAME)}” is in a {share.transport} swarm, which those who have it would lose",
            hint=f"Say --transport {share.transport}, or `tuishare forget` it first.",
        )
    kept = replace(
        audience, note=audience.note or share.note, not_after=audience.not_after or share.not_after
    )
    losing = () if kept.matches(share) else deliveries.would_lose_access(share.id, users)
    if losing:
        named = ", ".join(losing)
        raise Refused(
            f"“{for_display(share.name, _NAME)}” is shared with {named} too, who would lose it",
            hint=f"Name {named} with --to as well, or use `tuishare revoke` first.",
        )
    return kept


def _require_none_out(
    share: ShareRecord, audience: ShareTarget, users: Collection[User], deliveries: Deliveries
) -> None:
    """Refuse who was taken out and is named himself; a group goes on without him, as when it is sealed."""
    named = set(map(fold_name, audience.users))
    out = [
        user.name for user in users if fold_name(user.name) in named and deliveries.is_revoked(share.id, user)
    ]
    if out:
        raise Refused(
            f"{', '.join(out)} {'were' if len(out) > 1 else 'was'} taken out of “{for_display(share.name, _NAME)}”",
            hint="Forget the share with `tuishare forget`, then share it anew.",
        )
