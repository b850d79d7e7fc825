"""Shares whose recipients look for us where we are no longer.

Owns which those are, and what is said about them. An envelope cannot be corrected: only a new one names others.
"""

from __future__ import annotations

from typing import Final

from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.problems import Problem
from tuishare.core.records import ShareRecord

_LATELY: Final = 600  # seconds; who was seen since then has found us, or we him
_HINT: Final = (
    "`tuishare again {}` makes an encrypted torrent with the new addresses, to be sent on. "
    "A name in network.public_host stays."
)
_NAMED: Final = 3
_SHORT: Final = 8  # digits of an id that are enough among a few thousand


def find_unreachable_shares(
    repository: ShareRepository, *, other_trackers: bool, now: int
) -> tuple[Problem, ...]:
    """Say who cannot find us any more, and what helps.

    Args:
        repository: the shares.
        other_trackers: trackers of others tell where we are, for every share.
        now: Unix seconds.
    """
    if other_trackers:
        return ()
    waiting = {
        share.id: users
        for share in repository.seeding()
        if not share.announce and repository.address_watch.have_left(share.contacts, share.transport)
        if (users := _lacking(share, repository.deliveries, now))
    }
    if not waiting:
        return ()
    first = repository.get(next(iter(waiting)))
    lacking = sorted({user for users in waiting.values() for user in users})
    what = (
        f"The encrypted torrent of {first.name!r} names"
        if len(waiting) == 1
        else f"The encrypted torrents of {len(waiting):,} shares name"
    )
    who = ", ".join(lacking[:_NAMED]) + (" and others" if len(lacking) > _NAMED else "")
    return (
        Problem(
            id="address",
            title="Your address has changed",
            detail=f"{what} addresses that are yours no longer, so {who} cannot find you",
            hint=_HINT.format(first.id[:_SHORT] if len(waiting) == 1 else "SHARE"),
            since=repository.address_watch.since,
        ),
    )


def _lacking(share: ShareRecord, deliveries: Deliveries, now: int) -> set[str]:
    return {
        row.user
        for row in deliveries.of(share.id)
        if not row.completed and not row.revoked and now - row.seen > _LATELY
    }
