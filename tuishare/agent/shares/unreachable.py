"""Unreachable shares: their envelopes name addresses that the agent no longer has.

Owns which those are, and the problem that is shown for them. An envelope cannot be corrected: only a new one names
other addresses. Must not change shares.
"""

from __future__ import annotations

from typing import Final

from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.repository import ShareRepository
from tuishare.core.problems import Problem
from tuishare.core.records import ShareRecord

_LATELY: Final = 600  # seconds; a recipient who was seen since then is connected to us
_HINT: Final = (
    "`tuishare again {}` makes an encrypted torrent with the new addresses, which you can send. "
    "A host name in network.public_host stays valid."
)
_NAMED: Final = 3
_SHORT: Final = 8  # digits of an id that are enough among a few thousand


def find_unreachable_shares(
    repository: ShareRepository, *, other_trackers: bool, now: int
) -> tuple[Problem, ...]:
    """Return the problem of shares whose recipients cannot find us, if there are any.

    Args:
        repository: the shares.
        other_trackers: whether trackers of others name our addresses for every share.
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
            detail=f"{what} addresses that are no longer yours, so {who} cannot find you",
            hint=_HINT.format(first.id[:_SHORT] if len(waiting) == 1 else "SHARE"),
            since=repository.address_watch.since,
        ),
    )


def _lacking(share: ShareRecord, deliveries: Deliveries, now: int) -> set[str]:
    """Return the recipients who lack data and were not seen lately."""
    return {
        row.user
        for row in deliveries.of(share.id)
        if not row.completed and not row.revoked and now - row.seen > _LATELY
    }
