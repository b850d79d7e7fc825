"""Errors that every room may raise, one class per cause.

Owns the classes and their texts, not what follows from them: only `tuishare.cli` turns a class into an exit code,
only `tuishare.api` turns one into an HTTP status. No text may contain a secret.
"""

from __future__ import annotations

import errno
from typing import ClassVar, Final


class TuishareError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        code: stable lower-case identifier for programs, e.g. ``not-found``.
        title: the kind of error in about three words.
        detail: one sentence about this case; the final full stop is optional.
        hint: what the user can do about it; may be empty.
    """

    code: ClassVar[str] = "failed"
    title: ClassVar[str] = "Failed"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class SystemFailed(TuishareError):
    """The operating system refused an operation: disk full, port in use, permission denied.

    Attributes:
        errno: of the system call that failed, see errno(3); 0 if it is unknown.
    """

    code = "system"
    title = "System problem"

    def __init__(self, detail: str, *, hint: str = "", errno: int = 0) -> None:
        super().__init__(detail, hint=hint)
        self.errno = errno


class DiskRefused(SystemFailed):
    """A disk cannot be read or written now: full, over quota, read-only or failing. A retry may succeed.

    Attributes:
        full: whether more free space would help.
    """

    def __init__(self, detail: str, *, hint: str = "", errno: int = 0, full: bool = False) -> None:
        super().__init__(detail, hint=hint, errno=errno)
        self.full = full


class TooManyOpen(DiskRefused):
    """This process or the machine has no descriptor left; a retry succeeds once one is closed."""


class BadInput(TuishareError):
    """An argument or a file from the user is malformed or inconsistent."""

    code = "bad-input"
    title = "Bad input"


class BadConfiguration(TuishareError):
    """The settings, the user book or the identity file is invalid."""

    code = "configuration"
    title = "Configuration problem"


class NotFound(TuishareError):
    """The named object does not exist."""

    code = "not-found"
    title = "Not found"


class Refused(TuishareError):
    """The operation is not allowed: no key, no trust, or against a rule."""

    code = "refused"
    title = "Refused"


class VerificationFailed(TuishareError):
    """Received or stored data does not match its hash or signature."""

    code = "verification"
    title = "Verification failed"


class AgentUnreachable(TuishareError):
    """No agent answers on the socket, or it speaks another protocol version."""

    code = "no-agent"
    title = "Agent not reachable"


def from_os_error(error: OSError, what: str) -> TuishareError:
    """Convert an operating-system error into one of ours.

    Args:
        error: to convert.
        what: the action in the infinitive with its object, e.g. ``read /tmp/x``.

    Returns:
        `NotFound` for a missing file, `TooManyOpen` without descriptors, `DiskRefused` for a full or failing disk,
        `SystemFailed` otherwise.
    """
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return NotFound(f"Cannot {what}: it does not exist", hint="Check the spelling of the path.")
    number = error.errno or 0
    detail, hint = f"Cannot {what}: {reason.lower()}", _HINTS.get(number, "")
    if number in _DESCRIPTORS:
        return TooManyOpen(detail, hint=hint, errno=number)
    if number in DISK_ERRNOS:
        return DiskRefused(detail, hint=hint, errno=number, full=number in _FULL)
    return SystemFailed(detail, hint=hint, errno=number)


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
DISK_ERRNOS: Final = _FULL | _DESCRIPTORS | {errno.EIO, errno.EROFS}
"""Error numbers of a disk that is full, over quota, read-only or failing, and of too many open files."""
_HINTS = {
    23: "Other programs have too many files open; tuishare tries again.",
    24: "tuishare tries again. `tuishare doctor` shows how to allow more open files.",
    5: "Check the disk: it may be failing.",
    13: "Check who owns it and its permissions.",
    1: "Check who owns it and its permissions.",
    20: "A part of the path is a file, not a folder.",
    21: "The path is a folder: name a file, or move the folder.",
    28: "Free some space on that disk, or choose another folder.",
    122: "Your disk quota is used up: free some space or choose another folder.",
    98: "Another program listens on that port; choose another one.",
    30: "That file system is mounted read-only.",
}
