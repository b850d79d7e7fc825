from __future__ import annotations

import gc

import msgspec
import pytest

from tests.api.samples import DOWNLOAD, NOW, SHARE, SNAPSHOT, STATUS
from tuishare.api.messages import Changes, ErrorBody, Event, Heartbeat, Message, Share, Stopping

EVERY = [
    STATUS,
    STATUS.problems[0],
    STATUS.drop_folders[0],
    SHARE,
    SHARE.deliveries[0],
    DOWNLOAD,
    SNAPSHOT,
    Changes(status=STATUS, shares=(SHARE,)),
    Heartbeat(now=NOW),
    Stopping(pid=1),
    ErrorBody(code="x", title="X", detail="d", hint="h"),
]


def named(message: Message) -> str:
    return type(message).__name__


@pytest.mark.parametrize("message", EVERY, ids=named)
def test_a_message_survives_the_wire(message: Message) -> None:
    assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


@pytest.mark.parametrize("message", EVERY, ids=named)
def test_an_unknown_field_is_refused(message: Message) -> None:
    fields = msgspec.to_builtins(message) | {"extra": 1}
    with pytest.raises(msgspec.ValidationError, match="unknown field `extra`"):
        msgspec.convert(fields, type=type(message))


@pytest.mark.parametrize("message", EVERY, ids=named)
def test_a_message_cannot_be_altered_and_has_a_hash(message: Message) -> None:
    with pytest.raises(AttributeError):
        setattr(message, message.__struct_fields__[0], None)
    assert isinstance(hash(message), int)


@pytest.mark.parametrize("message", EVERY, ids=named)
def test_a_message_is_not_looked_through_for_cycles(message: Message) -> None:
    """Messages hold no cycles, and lists of thousands are made twice a second for each dashboard."""
    assert not gc.is_tracked(message)


def test_the_kind_of_an_event_is_on_the_line() -> None:
    line = msgspec.json.encode(Heartbeat(now=7))
    assert line == b'{"type":"heartbeat","now":7}'
    assert msgspec.json.decode(line, type=Event) == Heartbeat(now=7)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("progress", 1.01),
        ("progress", -0.01),
        ("size", -1),
        ("state", "floating"),
        ("name", None),
        ("transport", "udp"),
    ],
)
def test_a_value_out_of_its_range_is_refused(field: str, value: object) -> None:
    fields = msgspec.to_builtins(SHARE) | {field: value}
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(fields, type=Share)
