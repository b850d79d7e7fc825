"""What may go wrong with a payload or a torrent while we read it, besides the errors every room knows."""

from __future__ import annotations

from tuishare.errors import Refused, TuishareError, VerificationFailed


class Changed(VerificationFailed):
    """A file was not the same before and after it was read; the entry has to settle again."""

    code = "changed"
    title = "Payload changed"


class TooLarge(Refused):
    """A torrent is over one of the bounds that hold before its content is looked at."""

    code = "too-large"
    title = "Torrent too large"

    def __init__(self, what: str) -> None:
        super().__init__(f"The torrent {what}", hint="Its content has to be shared in several parts.")


class Cancelled(TuishareError):
    """The caller asked to stop before the work was done."""

    code = "cancelled"
    title = "Cancelled"
