"""Errors every room may raise, told apart by whose fault it is.

This module owns the classes and their words, not what follows from them: `tuishare.cli` alone turns a class
into an exit code, `tuishare.api` alone turns one into a status. Nothing secret may stand in any of the texts.
"""

from __future__ import annotations

import errno
from typing import ClassVar


class TuishareError(Exception):
    """Base of everything we raise on purpose.

    Attributes:
        code: stable lower-case word for programs, e.g. ``not-found``.
        title: what kind of trouble, three words or so.
        detail: one clear sentence about this case, without a final full stop being required.
        hint: what a person can do about it; may be empty.
    """

    code: ClassVar[str] = "failed"
    title: ClassVar[str] = "Failed"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class SystemFailed(TuishareError):
    """The machine did not do what was asked: disk full, port in use, permission denied."""

    code = "system"
    title = "System problem"


class DiskRefused(SystemFailed):
    """A disk takes or gives nothing now: full, over quota, read-only or failing. Another try may succeed.

    Attributes:
        full: whether free space would be enough.
    """

    def __init__(self, detail: str, *, hint: str = "", full: bool = False) -> None:
        super().__init__(detail, hint=hint)
        self.full = full


class TooManyOpen(DiskRefused):
    """This process or the machine has no descriptor left; another try succeeds as soon as one is closed."""


class BadInput(TuishareError):
    """An argument or a file given by the person is malformed or makes no sense."""

    code = "bad-input"
    title = "Bad input"


class BadConfiguration(TuishareError):
    """A configuration file, the user book or the identity is unusable."""

    code = "configuration"
    title = "Configuration problem"


class NotFound(TuishareError):
    """What was named does not exist."""

    code = "not-found"
    title = "Not found"


class Refused(TuishareError):
    """Not allowed: no key, not trusted, against the rules."""

    code = "refused"
    title = "Refused"


class VerificationFailed(TuishareError):
    """Data arrived or was read, but is not what it should be."""

    code = "verification"
    title = "Verification failed"


class AgentUnreachable(TuishareError):
    """No agent answers on the socket, or it speaks another protocol version."""

    code = "no-agent"
    title = "Agent not reachable"


def from_os_error(error: OSError, what: str) -> TuishareError:
    """Turn an operating-system error into one of ours.

    Args:
        error: what the system said.
        what: the action in the infinitive with its object, e.g. ``read /tmp/x``.

    Returns:
        `NotFound` for a missing file, `TooManyOpen` without descriptors, `DiskRefused` for a disk in need,
        `SystemFailed` for everything else.
    """
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return NotFound(f"Cannot {what}: it does not exist", hint="Check the spelling of the path.")
    detail, hint = f"Cannot {what}: {reason.lower()}", _HINTS.get(error.errno or 0, "")
    if error.errno in _DESCRIPTORS:
        return TooManyOpen(detail, hint=hint)
    if error.errno in _DISK:
        return DiskRefused(detail, hint=hint, full=error.errno in _FULL)
    return SystemFailed(detail, hint=hint)


_FULL = {errno.ENOSPC, errno.EDQUOT}
_DISK = {*_FULL, errno.EIO, errno.EROFS}
_DESCRIPTORS = {errno.EMFILE, errno.ENFILE}
_HINTS = {
    23: "Other programs have too many files open; it is tried again.",
    24: "It is tried again. `tuishare doctor` says how to allow more open files.",
    5: "Check the disk: it may be failing.",
    13: "Check who owns it and its permissions.",
    1: "Check who owns it and its permissions.",
    20: "Part of the path is a file where a folder should be.",
    21: "A folder has that name: name a file, or move the folder away.",
    28: "Free some space on that disk, or choose another folder.",
    122: "Your disk quota is used up: free some space or choose another folder.",
    98: "Another program listens there; choose another port.",
    30: "That file system is mounted read-only.",
}
