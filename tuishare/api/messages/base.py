"""What all messages of the API have in common: their base, ids, units and limits, and the form of an error.

Owns the rules for every message. Must not know any subject.
"""

from __future__ import annotations

from typing import Annotated, Final, NewType

import msgspec

PROTOCOL: Final = 3
"""Version of these messages. Raised with every change that an older client or agent would misread."""

PROTOCOL_HEADER: Final = "Tuishare-Protocol"
"""Header in which both sides name their `PROTOCOL`."""

ShareId = NewType("ShareId", str)
"""Hexadecimal name of a share, unique within one agent."""

DownloadId = NewType("DownloadId", str)
"""Hexadecimal name of a download, unique within one agent."""

Count = Annotated[int, msgspec.Meta(ge=0)]
"""A number of bytes, bytes per second, seconds or things; never negative."""

UnixTime = Annotated[int, msgspec.Meta(ge=0, extra={"unit": "unix-time"})]
"""A moment in Unix seconds; 0: it has not come."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
"""A TCP port."""

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""How much of something is done, from 0 to 1."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
"""Name of a user or group in a request; a group may begin with ``@``."""

FilePath = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
"""A path in a request."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of every message: frozen, without cycles, and strict about what it does not know."""


class LeftOut(Message, frozen=True, kw_only=True):
    """What the payload of a share has and its recipients do not get, for one reason.

    Attributes:
        reason: such as ``symbolic link``; of a download, any text of the sender.
        number: how many there are.
        names: paths of the first ones; untrusted text.
    """

    reason: str
    number: Count
    names: tuple[str, ...]


class Accepted(Message, frozen=True, kw_only=True):
    """The agent has accepted a request; the event stream shows the result.

    Attributes:
        id: of the share or download that it is about; otherwise the name or fingerprint.
    """

    id: str


class ErrorBody(Message, frozen=True, kw_only=True):
    """An error in place of an answer; the texts of a `tuishare.errors.TuishareError`.

    Attributes:
        code: names the kind of error, for programs.
        title: the same for people, three words or so.
        detail: one sentence about this case.
        hint: what to do about it; may be empty.
    """

    code: str
    title: str
    detail: str
    hint: str
