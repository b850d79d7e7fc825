"""What the dashboard knows at one moment: a frozen value, replaced as a whole.

Owns the state and its transitions as pure functions of messages; draws nothing and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tuishare.api.messages import Problem, Snapshot


@dataclass(frozen=True, slots=True)
class Connecting:
    """No answer yet, and no failure either."""


@dataclass(frozen=True, slots=True)
class Live:
    """What is shown is what the agent says now."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The agent does not answer.

    Attributes:
        since: when that was noticed, Unix seconds.
        detail: why, one sentence.
        hint: what to do.
        retry_at: when the next attempt is made, Unix seconds.
        startable: whether starting an agent may help; not so when one runs in another version.
    """

    since: float
    detail: str
    hint: str
    retry_at: float
    startable: bool


ConnectionState = Connecting | Live | Lost
"""How dashboard and agent are connected."""


@dataclass(frozen=True, slots=True)
class View:
    """All that the screens draw.

    Attributes:
        connection: to the agent.
        snapshot: the last one, also after the agent was lost; None before the first.
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
    """Return the view of a new snapshot. A hidden problem that has ended is shown again when it comes back."""
    return View(Live(), snapshot, view.dismissed & {problem.id for problem in snapshot.status.problems})


def dismiss(view: View, problems: Iterable[str]) -> View:
    """Return the view without these problems."""
    return replace(view, dismissed=view.dismissed | frozenset(problems))
