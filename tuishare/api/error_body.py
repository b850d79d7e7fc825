"""Errors across the wire: class to HTTP status and `ErrorBody`, and back to the class.

Owns the two tables. An error that was not raised on purpose crosses as one plain sentence and no more: its
text may hold what no client should see.
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
    """Agent and client speak different versions of the messages."""

    code = "protocol"
    title = "Different versions"


class AgentNotRunning(AgentUnreachable):
    """There is no socket, or no process listens on it: no request has arrived anywhere."""


class Busy(SystemFailed):
    """The agent serves as many clients as it will."""

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
    """Choose the HTTP status for an error: that of its own class or of the nearest one above it."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def describe(error: TuishareError) -> ErrorBody:
    """Put an error into the form in which it crosses the wire."""
    return ErrorBody(code=error.code, title=error.title, detail=error.detail, hint=error.hint)


def to_exception(failure: ErrorBody) -> TuishareError:
    """Make the error again on the client's side; an unknown code becomes the base class."""
    return _CLASS.get(failure.code, TuishareError)(failure.detail, hint=failure.hint)


def check_protocol(theirs: str | None, *, they: str, we: str) -> None:
    """Compare the other side's version with ours.

    Args:
        theirs: value of their `PROTOCOL_HEADER`, None when there was none.
        they: what the other side is called in the sentence.
        we: what this side is called.

    Raises:
        ProtocolMismatch: it is missing or another one.
    """
    if theirs == str(PROTOCOL):
        return
    if theirs is None:
        raise ProtocolMismatch(
            f"The {they} did not name its protocol version in {PROTOCOL_HEADER}",
            hint="Something else may listen on that socket: check the path.",
        )
    shown = (
        theirs if theirs.isascii() and theirs.isdigit() and len(theirs) <= _DIGITS else "an unknown version"
    )
    raise ProtocolMismatch(
        f"The {they} speaks protocol {shown}, this {we} speaks protocol {PROTOCOL}",
        hint="After an upgrade, restart the agent: tuishare stop, then tuishare agent.",
    )
