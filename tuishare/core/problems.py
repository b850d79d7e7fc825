"""A problem that a user has to see, wherever in the agent it was found.

Owns the shape only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs the user's attention for as long as it lasts.

    Attributes:
        id: stable for as long as the problem lasts.
        title: what kind of trouble, three words or so.
        detail: one sentence about this case.
        hint: what to do about it; may be empty.
        since: when it began, Unix seconds.
    """

    id: str
    title: str
    detail: str
    hint: str
    since: int
