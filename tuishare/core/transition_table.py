"""Transition tables: which steps a record may go to when something happens to it.

Owns the check of one table. Must not know what a record is, nor decide which of the allowed steps it takes: the
`transitions` modules of the agent own their tables and do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

_Step = TypeVar("_Step", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)


class IllegalTransition(RuntimeError):
    """An event happened in a step that does not allow it: a bug."""


class TransitionTable(Generic[_Step, _Event]):
    """The steps that follow from a step and an event; any other pair is refused."""

    def __init__(self, initial: _Step, rows: Mapping[_Event, Mapping[_Step, Collection[_Step]]]) -> None:
        """Make a table.

        Args:
            initial: the step of a new record.
            rows: by event and step, the steps that may follow.
        """
        self.initial = initial
        self._rows = {event: {step: frozenset(row[step]) for step in row} for event, row in rows.items()}

    def __iter__(self) -> Iterator[tuple[_Step, _Event, frozenset[_Step]]]:
        """Yield each allowed pair of step and event, with the steps that may follow."""
        for event, row in self._rows.items():
            for step, targets in row.items():
                yield step, event, targets

    def targets(self, step: _Step, event: _Event) -> frozenset[_Step]:
        """Return the steps that may follow; empty if the event cannot happen."""
        return self._rows.get(event, {}).get(step, frozenset())

    def require(self, step: _Step, event: _Event, target: _Step) -> None:
        """Check one transition.

        Raises:
            IllegalTransition: the table does not have it.
        """
        if target not in self.targets(step, event):
            raise IllegalTransition(f"{event} leads from {step} to {target}, which the table does not have")


def lead(steps: Iterable[_Step], *targets: _Step) -> dict[_Step, Collection[_Step]]:
    """Return the row of an event that leads from each of these steps to the same ones."""
    return dict.fromkeys(steps, targets)


def stay(steps: Iterable[_Step]) -> dict[_Step, Collection[_Step]]:
    """Return the row of an event that leaves each of these steps as it is."""
    return {step: (step,) for step in steps}
