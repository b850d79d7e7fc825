"""Errors over the API: from class to HTTP status and `ErrorBody`, and back.

Owns the two tables. An unexpected exception is sent as one general sentence: its own text may hold what no client
should see.
"""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import PROTOCOL, PROTOCOL_HEADER, ErrorBody
from tuishare.errors import (
    AgentUnreachable,
    BadConfiguration,
    BadInput,
    NotFound,
    Refused,
    SystemFailed,
    TuishareError,
    VerificationFailed,
)

_DIGITS = 9


class ProtocolMismatch(AgentUnreachable):
    """Agent and client use different versions of the messages."""

    code = "protocol"
    title = "Different versions"


class AgentNotRunning(AgentUnreachable):
    """There is no socket, or no process listens on it; the request was not sent."""


class Busy(SystemFailed):
    """The agent serves its maximum number of clients."""

    code = "busy"
    title = "Agent busy"


STATUS: Final[dict[type[TuishareError], int]] = {
    BadInput: 400,
    Refused: 403,
    NotFound: 404,
    BadConfiguration: 409,
    VerificationFailed: 422,
    ProtocolMismatch: 426,
    Busy: 503,
    AgentUnreachable: 503,
    SystemFailed: 500,
}
_CLASS: Final = {kind.code: kind for kind in STATUS}


def status_of(error: TuishareError) -> int:
    """Return the HTTP status for an error: that of its class or of the nearest base class."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def describe(error: TuishareError) -> ErrorBody:
    """Return the message for an error."""
    return ErrorBody(code=error.code, title=error.title, detail=error.detail, hint=error.hint)


def to_exception(failure: ErrorBody) -> TuishareError:
    """Return the exception for an error message; an unknown code becomes the base class."""
    return _CLASS.get(failure.code, TuishareError)(failure.detail, hint=failure.hint)


def check_protocol(theirs: str | None, *, they: str, we: str) -> None:
    """Compare the protocol version of the other side with this one.

    Args:
        theirs: value of their `PROTOCOL_HEADER`, or None.
        they: name of the other side in the sentence.
        we: name of this side.

    Raises:
        ProtocolMismatch: their version is missing or differs.
    """
    if theirs == str(PROTOCOL):
        return
    if theirs is None:
        raise ProtocolMismatch(
            f"The {they} did not name its protocol version in {PROTOCOL_HEADER}",
            hint="Another program may listen on that socket: check the path.",
        )
    shown = (
        theirs if theirs.isascii() and theirs.isdigit() and len(theirs) <= _DIGITS else "an unknown version"
    )
    raise ProtocolMismatch(
        f"The {they} speaks protocol {shown}, this {we} speaks protocol {PROTOCOL}",
        hint="After an upgrade, restart the agent: tuishare stop, then tuishare agent.",
    )
