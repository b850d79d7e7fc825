"""What may go wrong with a payload while we read it, besides the errors every room knows."""

from __future__ import annotations

from tuishare.errors import TuishareError, VerificationFailed


class Changed(VerificationFailed):
    """A file was not the same before and after it was read; the entry has to settle again."""

    code = "changed"
    title = "Payload changed"


class Cancelled(TuishareError):
    """The caller asked to stop before the work was done."""

    code = "cancelled"
    title = "Cancelled"
