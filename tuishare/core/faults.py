"""Faults: what keeps a recipient from a payload, where its sender has caused that or can mend it.

Owns the codes, which agents tell each other over links, and their wording. A code says nothing about the recipient's
files, paths or other downloads. Pure.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """One reason, as told by a recipient's agent to the sender's."""

    FALSE_DATA = "false-data"
    """Nothing but data that fails the hash check arrives; it is unknown from whom."""
    FALSE_DATA_OF_SENDER = "false-data-of-sender"
    FALSE_DATA_OF_OTHERS = "false-data-of-others"
    TICKET_NOT_YET_VALID = "ticket-not-yet-valid"
    """By the recipient's clock."""
    TICKET_EXPIRED = "ticket-expired"
    SHARE_EXPIRED = "share-expired"
    NO_SPACE = "no-space"
    QUOTA = "quota"
    APPROVAL = "approval"
    """It waits for the recipient's approval."""
    REFUSED = "refused"
    """By the recipient, not by their agent."""
    UNREADABLE = "unreadable"
    """None of the recipient's keys opens the envelope, or it is damaged."""
    OTHER = "other"
    """One that this version does not know."""

    @property
    def words(self) -> str:
        """It as a clause about the recipient."""
        return _WORDS[self]


_WORDS = {
    Fault.FALSE_DATA: "receives data that fails the hash check",
    Fault.FALSE_DATA_OF_SENDER: "receives data from here that fails the hash check",
    Fault.FALSE_DATA_OF_OTHERS: "receives data from other recipients that fails the hash check",
    Fault.TICKET_NOT_YET_VALID: "their clock says that the ticket is not valid yet",
    Fault.TICKET_EXPIRED: "their clock says that the ticket has expired",
    Fault.SHARE_EXPIRED: "their clock says that the share has expired",
    Fault.NO_SPACE: "has no space for it",
    Fault.QUOTA: "it exceeds the quota that they allow",
    Fault.APPROVAL: "it waits for their approval",
    Fault.REFUSED: "they have refused it",
    Fault.UNREADABLE: "their agent cannot open it",
    Fault.OTHER: "has a problem that only a newer version can name",
}


def read_fault(code: str) -> Fault | None:
    """Return the fault of a code; None for an empty one."""
    if not code:
        return None
    try:
        return Fault(code)
    except ValueError:
        return Fault.OTHER
