"""Isolation of unexpected errors: an error in the work on one entry does not stop the work on the others.

Owns the error to show and its line in the log. Must not hide errors of the agent itself: a database or disk that fails
is not the fault of an entry and passes through.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tuishare.core.sqlite_errors import DamagedDatabase
from tuishare.errors import SystemFailed, TuishareError, from_os_error

_log = logging.getLogger(__name__)


class Unexpected(TuishareError):
    """The work on one entry failed because of a bug."""

    code = "unexpected"
    title = "Internal error"


def explain(error: Exception, what: str) -> TuishareError:
    """Return the error to show for any exception of the work on an entry; unexpected ones are logged.

    Args:
        error: the exception.
        what: the action in the infinitive with its object, as in `from_os_error`; safe to show.
    """
    if isinstance(error, TuishareError):
        return error
    if isinstance(error, OSError):
        return from_os_error(error, what)
    # Its text and its traceback may hold secrets: they are logged at level debug only.
    _log.error("Cannot %s: unexpected %s", what, type(error).__name__)
    _log.debug("Cannot %s", what, exc_info=error)
    return Unexpected(
        f"Cannot {what}: an internal error ({type(error).__name__})",
        hint="The log has details at level debug. Please report it; everything else continues.",
    )


@contextlib.contextmanager
def isolate_errors(what: str) -> Iterator[None]:
    """Do the work on one entry; log an error, which ends that work only.

    Args:
        what: as for `explain`.

    Raises:
        SystemFailed: the disk or the database failed, which concerns all entries.
        DamagedDatabase: the database is not usable.
    """
    try:
        yield
    except (SystemFailed, DamagedDatabase):
        raise
    except Exception as error:  # noqa: BLE001 — whatever it is, the other entries go on
        _log.warning("%s", explain(error, what).detail)
