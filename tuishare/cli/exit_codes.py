"""Errors as a sentence, a hint and an exit code.

Owns the table of exit codes (docs/operating.md); no other module knows them.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Final

from tuishare.errors import (
    AgentUnreachable,
    BadConfiguration,
    BadInput,
    NotFound,
    Refused,
    TuishareError,
    VerificationFailed,
)
from tuishare.sanitize import for_display

_LONGEST: Final = 2_000


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_FOUND = 4
    REFUSED = 5
    VERIFICATION = 6
    INTERRUPTED = 130


_CODES: Final[tuple[tuple[type[TuishareError], Exit], ...]] = (
    (BadInput, Exit.USAGE),
    (BadConfiguration, Exit.CONFIGURATION),
    (NotFound, Exit.NOT_FOUND),
    (Refused, Exit.REFUSED),
    (VerificationFailed, Exit.VERIFICATION),
    (AgentUnreachable, Exit.FAILED),
)


def exit_code(error: TuishareError) -> Exit:
    """Return the exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.FAILED)


def report(error: TuishareError) -> Exit:
    """Write an error to stderr as one sentence plus a hint, and return its exit code.

    Both may contain names that other users chose (threat T14).
    """
    print(f"tuishare: {for_display(error.detail, _LONGEST).rstrip('.')}.", file=sys.stderr)
    if error.hint:
        print(f"  hint: {for_display(error.hint, _LONGEST)}", file=sys.stderr)
    return exit_code(error)
