"""The state of the dashboard: a frozen value, replaced as a whole.

Owns the state and its transitions as pure functions of messages; draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tuishare.api.messages import Problem, Snapshot


@dataclass(frozen=True, slots=True)
class Connecting:
    """No answer and no failure yet."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The agent answers; the snapshot is current."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The agent does not answer.

    Attributes:
        since: when that was noticed, Unix seconds.
        detail: the reason, one sentence.
        hint: what to do.
        retry_at: time of the next attempt, Unix seconds.
        startable: whether starting an agent may help; False when one of another version answers.
    """

    since: float
    detail: str
    hint: str
    retry_at: float
    startable: bool


ConnectionState = Connecting | Connected | Lost
"""State of the connection to the agent."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the screens draw.

    Attributes:
        connection: to the agent.
        snapshot: the last one, kept after the agent was lost; None before the first.
        dismissed: ids of the problems that the user has hidden.
    """

    connection: ConnectionState = Connecting()
    snapshot: Snapshot | None = None
    dismissed: frozenset[str] = frozenset()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems that were not hidden, oldest first."""
        if self.snapshot is None:
            return ()
        return tuple(problem for problem in self.snapshot.status.problems if problem.id not in self.dismissed)


def take_snapshot(view: View, snapshot: Snapshot) -> View:
    """Return the view of a new snapshot; a dismissed problem is shown again if it ends and recurs."""
    return View(Connected(), snapshot, view.dismissed & {problem.id for problem in snapshot.status.problems})


def dismiss(view: View, problems: Iterable[str]) -> View:
    """Return the view without these problems."""
    return replace(view, dismissed=view.dismissed | frozenset(problems))
