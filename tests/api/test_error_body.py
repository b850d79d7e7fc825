from __future__ import annotations

import pytest

from tuishare.api.error_body import Busy, ProtocolMismatch, check_protocol, describe, status_of, to_exception
from tuishare.api.messages import PROTOCOL, ErrorBody
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

KINDS = [
    BadInput,
    Refused,
    NotFound,
    BadConfiguration,
    VerificationFailed,
    ProtocolMismatch,
    Busy,
    AgentUnreachable,
    SystemFailed,
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_same_on_the_other_side(kind: type[TuishareError]) -> None:
    error = kind("What happened", hint="What to do")
    other = to_exception(describe(error))
    assert type(other) is kind
    assert (other.detail, other.hint) == ("What happened", "What to do")
    assert 400 <= status_of(error) < 600


def test_a_subclass_crosses_as_itself_and_comes_back_as_the_nearest_known() -> None:
    class Locked(Refused):
        code = "locked"
        title = "LockedEnvelope"

    assert describe(Locked("No key")).code == "locked"
    assert status_of(Locked("No key")) == 403
    assert (
        type(to_exception(ErrorBody(code="locked", title="LockedEnvelope", detail="No key", hint="")))
        is TuishareError
    )


def test_the_same_version_passes() -> None:
    check_protocol(str(PROTOCOL), they="agent", we="client")


@pytest.mark.parametrize(
    "theirs", ["0", str(PROTOCOL + 1), "", f" {PROTOCOL}", f"{PROTOCOL}.0", "\x1b[31m", "9" * 5000]
)
def test_another_version_is_said_plainly(theirs: str) -> None:
    with pytest.raises(ProtocolMismatch) as caught:
        check_protocol(theirs, they="agent", we="client")
    assert f"this client speaks protocol {PROTOCOL}" in caught.value.detail
    assert "restart the agent" in caught.value.hint
    assert len(caught.value.detail) < 100
    assert caught.value.detail.isprintable()


def test_no_version_at_all_is_another_sentence() -> None:
    with pytest.raises(ProtocolMismatch, match="did not name"):
        check_protocol(None, they="agent", we="client")
