"""What a payload has and its torrent has not.

Owns the reasons. Must not look at any file.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from tuishare.sanitize import for_display

MOST_NAMES: Final = 5
"""Names that are kept for each reason."""
_LONGEST: Final = 80


class LeftOutReason(StrEnum):
    """Why something in a payload is not shared."""

    LINK = "symbolic link"
    SPECIAL = "special file"
    EMPTY_FOLDER = "empty folder"
    TEMPORARY = "temporary name"
    PATTERN = "ignored by a pattern"
    """The owner does not want it shared, so recipients are not told."""
    EXECUTABLE = "executable"
    """It is shared, but cannot be executed where it is received."""


class LeftOut(NamedTuple):
    """What is left out for one reason.

    Attributes:
        reason: a `LeftOutReason`; of a received share any text, not free of control characters.
        number: how many there are.
        names: paths of the first ones; likewise.
    """

    reason: str
    number: int
    names: tuple[str, ...]


def name_left_out(left_out: Iterable[LeftOut]) -> str:
    """Return how many are left out, with some of their names, for one line of the activity log; safe to display."""
    each = list(left_out)
    total = sum(one.number for one in each)
    shown = [for_display(name, _LONGEST) for one in each for name in one.names][:MOST_NAMES]
    return ", ".join([*shown, *([f"{total - len(shown):,} more"] if total > len(shown) else [])])
