"""What lies in the inbox and is not taken: locked envelopes, and files that were meant as envelopes.

Owns how it is listed, and how much of a file with another name is read. Must not decide what becomes of it.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.core.problems import Problem
from tuishare.envelope import LOOKED_AT, MAX_SIZE
from tuishare.errors import TooManyOpen, from_os_error
from tuishare.sanitize import for_display

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class LockedEnvelope:
    """An envelope that cannot be opened or held yet; kept, because a key or room may come later.

    Attributes:
        name: of the file.
        size: of the file in bytes.
        since: Unix seconds.
        detail: why, one sentence.
        hint: what may help.
        is_bounded: whether it counts towards the limit; what fails because of us does not.
        signer: the key that signed it, where that is all that is unknown; empty otherwise.
        is_strange: whether it is something else, or not whole.
    """

    name: str
    size: int
    since: int
    detail: str
    hint: str
    is_bounded: bool = False
    signer: bytes = b""
    is_strange: bool = False


def find_problems(locked: Collection[LockedEnvelope]) -> tuple[Problem, ...]:
    """Return the problem to show while some of these are something else than envelopes, or not whole."""
    strange = [one for one in locked if one.is_strange]
    if not strange:
        return ()
    first = strange[0]
    more = f"; {len(strange) - 1:,} more are listed with the downloads" if len(strange) > 1 else ""
    return (
        Problem(
            id="inbox",
            title="Not an envelope",
            detail=f"“{for_display(first.name)}” in the inbox: {first.detail}{more}",
            hint=first.hint,
            since=first.since,
        ),
    )


def may_be_meant(name: str) -> bool:
    """Return whether a file with another name was probably put here as an envelope."""
    return "torrent" in name.lower() and "encrypted" in name.lower()


def read_start(path: Path, size: int) -> bytes | None:
    """Return the beginning of a file that may be an envelope; empty if it cannot be one; None if it cannot be read.

    Raises:
        TooManyOpen: it can be read later.
    """
    if size < 0 or (size > MAX_SIZE and not may_be_meant(path.name)):
        return b""
    try:
        with open(os.open(path, _READ), "rb") as file:
            return file.read(LOOKED_AT)
    except OSError as error:
        problem = from_os_error(error, f"read “{for_display(path.name)}”")
        if isinstance(problem, TooManyOpen):
            raise problem from error
        return None
