"""What a client may ask the agent to do: a closed set, named by verbs.

Owns the words only; `tuishare.api.service.AgentService` carries them out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from tuishare.api.messages import Count, Message

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class ShareAction(StrEnum):
    """What can be done with one share."""

    PAUSE = "pause"
    """Serve nobody for now."""
    RESUME = "resume"
    """Serve again; try a problem once more."""
    AGAIN = "again"
    """Make a new generation with a new envelope."""
    FORGET = "forget"
    """Stop sharing; the payload stays."""
    DELETE = "delete"
    """Stop sharing and delete the payload."""


class DownloadAction(StrEnum):
    """What can be done with one download."""

    PAUSE = "pause"
    """Leave the swarm for now."""
    RESUME = "resume"
    """Go on; try a problem once more."""
    APPROVE = "approve"
    """Download what waits for it, this once."""
    REJECT = "reject"
    """Turn away what waits for approval, for good."""
    FORGET = "forget"
    """Stop; what was delivered stays, what was not is discarded. Of what was rejected: list it no longer."""
    DELETE = "delete"
    """Stop and delete what was delivered."""


class NewShare(Message, frozen=True, kw_only=True):
    """A file or folder to share, outside the drop folders; shared once more, it keeps everybody who has it.

    Attributes:
        path: absolute.
        recipients: users and ``@groups``, at least one, and all who have it.
        transport: ``tls`` or ``plain``.
        note: for the recipients; empty: the one that it has.
        not_after: Unix seconds after which it is withdrawn; 0: as before, never for something new.
    """

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    recipients: Annotated[tuple[_Name, ...], msgspec.Meta(min_length=1, max_length=1024)]
    transport: Literal["tls", "plain"] = "tls"
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    not_after: Count = 0


class FileChoice(Message, frozen=True, kw_only=True):
    """Which files of a download are wanted: all but these.

    Attributes:
        unwanted: their numbers, from 0, in the order of `tuishare.api.details.Details.files`.
    """

    unwanted: Annotated[tuple[Count, ...], msgspec.Meta(max_length=1_000_000)]


class Accepted(Message, frozen=True, kw_only=True):
    """The agent has taken an order; the event stream shows what comes of it.

    Attributes:
        id: of the share or download that it is about; for the others the name, path or fingerprint.
    """

    id: str
