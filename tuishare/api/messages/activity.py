"""The activity log: what happened, as clients see it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuishare.api.messages.base import Count, Message
from tuishare.core.activity import ActivityKind


class Activity(Message, frozen=True, kw_only=True):
    """One entry of the activity log.

    Attributes:
        id: greater than that of every earlier entry.
        at: Unix seconds.
        kind: what happened.
        subject: name of the share, download, envelope or setting.
        detail: one sentence or less; may be empty.
    """

    id: Count
    at: Annotated[int, msgspec.Meta(ge=0, extra={"unit": "unix-time", "rfc3339": "happened_at"})]
    kind: ActivityKind
    subject: str
    detail: str
