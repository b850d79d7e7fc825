"""What goes wrong that nobody foresaw, kept to the entry whose work it was.

Owns the words for it and what the log says. An agent has many entries of many people: what is wrong with one of them
must not end the work on the others. Must not hide what is wrong with the agent itself: a database or disk that fails is
no entry's fault and passes through.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tuishare.core.sqlite_errors import DamagedDatabase
from tuishare.errors import SystemFailed, TuishareError, from_os_error

_log = logging.getLogger(__name__)


class Unexpected(TuishareError):
    """The work on one entry raised what it never should."""

    code = "unexpected"
    title = "Internal error"


def explain(error: Exception, what: str) -> TuishareError:
    """Put whatever the work on an entry has raised into our words; what is new to us goes to the log.

    Args:
        error: what was raised.
        what: the action in the infinitive with its object, as in `from_os_error`; fit to be shown.
    """
    if isinstance(error, TuishareError):
        return error
    if isinstance(error, OSError):
        return from_os_error(error, what)
    # Its text may quote what is secret, and so may a traceback: both only where they were asked for.
    _log.error("Cannot %s: unexpected %s", what, type(error).__name__)
    _log.debug("Cannot %s", what, exc_info=error)
    return Unexpected(
        f"Cannot {what}: an internal error ({type(error).__name__})",
        hint="The log has more with log level debug. Please report it; everything else goes on.",
    )


@contextlib.contextmanager
def isolate_errors(what: str) -> Iterator[None]:
    """Do one entry's part of some work; what fails is said in the log and ends that part alone.

    Args:
        what: as for `explain`.

    Raises:
        SystemFailed: the disk or the database did; the same holds for the entries after it.
        DamagedDatabase: the database is not usable.
    """
    try:
        yield
    except (SystemFailed, DamagedDatabase):
        raise
    except Exception as error:  # noqa: BLE001 — whatever it is, the other entries go on
        _log.warning("%s", explain(error, what).detail)
