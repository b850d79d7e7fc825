"""Problems that need the user's attention, wherever in the agent they are found.

Owns their shape only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that is shown for as long as it lasts.

    Attributes:
        id: stable for as long as the problem lasts.
        title: the kind of problem, in about three words.
        detail: one sentence about this case.
        hint: what the user can do about it; may be empty.
        since: when it began, Unix seconds.
    """

    id: str
    title: str
    detail: str
    hint: str
    since: int
