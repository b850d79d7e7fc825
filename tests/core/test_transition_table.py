"""The check of a transition table."""

from __future__ import annotations

from enum import StrEnum, auto

import pytest

from tuishare.core.records import IllegalTransition, TransitionTable, lead, stay


class Step(StrEnum):
    OPEN = auto()
    SHUT = auto()


class Event(StrEnum):
    CLOSED = auto()
    PAINTED = auto()


TABLE = TransitionTable(
    Step.OPEN, {Event.CLOSED: lead([Step.OPEN], Step.SHUT), Event.PAINTED: stay([Step.OPEN, Step.SHUT])}
)


def test_what_the_table_has_is_allowed() -> None:
    TABLE.require(Step.OPEN, Event.CLOSED, Step.SHUT)
    TABLE.require(Step.SHUT, Event.PAINTED, Step.SHUT)
    assert list(TABLE) == [
        (Step.OPEN, Event.CLOSED, frozenset({Step.SHUT})),
        (Step.OPEN, Event.PAINTED, frozenset({Step.OPEN})),
        (Step.SHUT, Event.PAINTED, frozenset({Step.SHUT})),
    ]


@pytest.mark.parametrize(
    ("step", "event", "target"),
    [
        (Step.SHUT, Event.CLOSED, Step.SHUT),
        (Step.OPEN, Event.CLOSED, Step.OPEN),
        (Step.OPEN, Event.PAINTED, Step.SHUT),
    ],
)
def test_what_it_does_not_have_is_refused(step: Step, event: Event, target: Step) -> None:
    with pytest.raises(IllegalTransition, match=f"{event} leads from {step} to {target}"):
        TABLE.require(step, event, target)
