"""Errors of reading payloads and torrents, besides those of `tuishare.errors`."""

from __future__ import annotations

from tuishare.errors import Refused, TuishareError, VerificationFailed


class Changed(VerificationFailed):
    """A file changed while it was read; the entry has to settle again."""

    code = "changed"
    title = "Payload changed"


class TooLarge(Refused):
    """A torrent exceeds a limit that is checked before its content."""

    code = "too-large"
    title = "Torrent too large"

    def __init__(self, what: str) -> None:
        super().__init__(f"The torrent {what}", hint="Its payload has to be shared in several parts.")


class Cancelled(TuishareError):
    """The caller cancelled the work."""

    code = "cancelled"
    title = "Cancelled"
