"""Entries of the activity log.

Owns their kinds and the shape of one entry. Must not store anything: the agent's activity log does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import msgspec

ACTIVITY_SHOWN: Final = 200
"""Entries of the activity log that the agent keeps in memory; the database has more."""

_Count = Annotated[int, msgspec.Meta(ge=0)]


class ActivityKind(StrEnum):
    """What happened to a share, a download or a user."""

    SHARED = "shared"
    """A generation of a share was sealed for its recipients."""
    WITHDRAWN = "withdrawn"
    RECEIVED = "received"
    """A download was delivered."""
    HANDED_OVER = "handed-over"
    """Links have handed an envelope over to every recipient."""
    DELIVERED = "delivered"
    """A recipient has all of a share."""
    REVOKED = "revoked"
    """A recipient was removed from a share, or from all."""
    RENEWED = "renewed"
    """New tickets for a share: made for its remaining recipients, or received from its sender."""
    ROTATED = "rotated"
    """An identity or a key was replaced by a new one."""
    JOINED = "joined"
    """An invitation, ours or that of another user, was used."""
    APPROVAL = "approval"
    """An envelope, or one who holds an invitation, waits for the user's approval."""
    INTRODUCED = "introduced"
    """A user introduces another, or one has become a user by an introduction."""
    REJECTED = "rejected"
    IGNORED = "ignored"
    """Something that an envelope names, such as a tracker, is not used; the rest of it is."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Activity:
    """One stored entry of the activity log.

    Attributes:
        id: greater than that of every earlier entry.
        at: Unix seconds.
        kind: what happened.
        subject: name of the share, download, envelope or setting.
        detail: one sentence or less; may be empty.
    """

    id: _Count
    at: _Count
    kind: ActivityKind
    subject: str
    detail: str
