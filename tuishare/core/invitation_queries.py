"""What is asked of the database about invitations.

Owns the rules that hold for several of their rows at once: uses, and how many refused tries are kept. Everything runs
on the database's thread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tuishare.core.database import Database
from tuishare.core.invitation_records import InvitationRecord, JoinerRecord, JoinerState, JoinRecord

TRIES_KEPT: Final = 20
"""Of one invitation; a holder can make as many cards as they like."""
_LOOSE: Final = frozenset({JoinerState.TRIED, JoinerState.ASKS})


def find_invitations(database: Database) -> list[InvitationRecord]:
    """Return the invitations that were given out, oldest first."""
    return database.find(InvitationRecord, "ORDER BY created, rowid")


def find_invitation(database: Database, invitation: bytes) -> InvitationRecord | None:
    """Return the invitation with an id, or None; what a stranger costs must not grow with the others."""
    return next(iter(database.find(InvitationRecord, "WHERE id = ?", invitation)), None)


def find_joiners(database: Database) -> list[JoinerRecord]:
    """Return who came with an invitation, in the order of their last step."""
    return database.find(JoinerRecord, "ORDER BY at, rowid")


def find_joiners_with(database: Database, invitation: bytes) -> list[JoinerRecord]:
    """Return who came with one invitation, in the order of their last step."""
    return database.find(JoinerRecord, "WHERE invitation = ? ORDER BY at, rowid", invitation)


def take_use(database: Database, joiner: JoinerRecord) -> bool:
    """Record a use of an invitation; return False if it is gone, or if others have all its uses (threat T19)."""
    found = find_invitation(database, joiner.invitation)
    others = [each for each in find_joiners_with(database, joiner.invitation) if each.card != joiner.card]
    if found is None or sum(each.state.is_use for each in others) >= found.uses:
        return False
    database.save(joiner)
    return True


def keep_try(database: Database, joiner: JoinerRecord) -> None:
    """Record one who did not get in, and delete the oldest of their kind beyond `TRIES_KEPT`."""
    database.save(joiner)
    loose = [each for each in find_joiners_with(database, joiner.invitation) if each.state in _LOOSE]
    for old in loose[: max(0, len(loose) - TRIES_KEPT)]:
        database.remove(JoinerRecord, "WHERE invitation = ? AND card = ?", old.invitation, old.card)


def answer_joiner(database: Database, joiner: JoinerRecord, state: JoinerState, now: int) -> bool:
    """Record the user's answer to one who asks; return False if they no longer do."""
    known = database.find(JoinerRecord, "WHERE invitation = ? AND card = ?", joiner.invitation, joiner.card)
    if not known or known[0].state is not JoinerState.ASKS:
        return False
    database.save(replace(known[0], state=state, at=now))
    return True


def delete_invitation(database: Database, invitation: bytes) -> None:
    """Delete an invitation, then who came with it."""
    database.remove(InvitationRecord, "WHERE id = ?", invitation)
    database.remove(JoinerRecord, "WHERE invitation = ?", invitation)


def find_joins(database: Database) -> list[JoinRecord]:
    """Return the invitations of other agents that are being used, oldest first."""
    return database.find(JoinRecord, "ORDER BY since, rowid")


def delete_join(database: Database, invitation: bytes) -> None:
    """Delete an invitation that was being used."""
    database.remove(JoinRecord, "WHERE id = ?", invitation)
