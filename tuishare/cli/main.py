"""Where the program begins and ends.

Owns the end of the process: every error becomes one sentence, a hint and an exit code here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

from tuishare.cli.exit_codes import Exit, report
from tuishare.errors import TuishareError, from_os_error

_COMPLETION = "_TUISHARE_COMPLETE"
"""Set by a shell that wants words to be completed; typer answers it."""
_STDOUT = 1
"""Its file descriptor, which stays the same whatever `sys.stdout` is."""


def main() -> None:
    """Run the command line and exit; every error becomes one sentence, a hint and its code."""
    if isinstance(sys.stdout, TextIOWrapper):
        # What the encoding of an old locale has no letter for is spelled, not the end of a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            _run(sys.argv[1:])
        except SystemExit:
            _flush()
            raise
        _flush()
    except TuishareError as error:
        _end(report(error))
    except KeyboardInterrupt:
        _end(Exit.INTERRUPTED)
    except OSError as error:
        _drop_unwritten()
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has enough of it; words would tell nobody anything.
            sys.exit(Exit.FAILED)
        sys.exit(report(from_os_error(error, "go on")))


def _flush() -> None:
    if sys.stdout:
        sys.stdout.flush()


def _end(code: Exit) -> NoReturn:
    """Exit after an error; that a result could not be written either is no second one."""
    try:
        _flush()
    except OSError:
        _drop_unwritten()
    sys.exit(code)


def _drop_unwritten() -> None:
    """What could not be written would only fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)


def _run(arguments: Sequence[str]) -> None:
    if arguments == ["agent"]:
        # As systemd and the dashboard start it. What reads any other command line would be 10 MiB that it keeps.
        from tuishare.cli.run_agent import run_foreground

        run_foreground(verbose=False)
    elif not arguments and _COMPLETION not in os.environ:
        # What reads command lines would be a tenth of a second before there is anything to see.
        from tuishare.cli.dashboard import run_dashboard

        run_dashboard()
    else:
        from tuishare.cli.app import app

        app()
