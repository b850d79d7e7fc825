"""What is asked of the database about introductions.

Everything runs on the database's thread. What follows from the removal of a user is a trigger (`tuishare.core.schema`).
"""

from __future__ import annotations

from tuishare.core.database import Database
from tuishare.core.introduction_records import GivenIntroduction, KnownCard, ReceivedIntroduction


def find_known_cards(database: Database) -> list[KnownCard]:
    """Return every card that is, or was, in the user book."""
    return database.find(KnownCard, "ORDER BY signer")


def find_given(database: Database) -> list[GivenIntroduction]:
    """Return whom this agent introduced to whom, in the order of the last change."""
    return database.find(GivenIntroduction, "ORDER BY rowid")


def find_received(database: Database) -> list[ReceivedIntroduction]:
    """Return the introductions that are not accepted, oldest first."""
    return database.find(ReceivedIntroduction, "ORDER BY at, rowid")


def settle_introductions(database: Database, introduced: bytes) -> None:
    """Delete all introductions of a card to this agent."""
    database.remove(ReceivedIntroduction, "WHERE introduced = ?", introduced)
