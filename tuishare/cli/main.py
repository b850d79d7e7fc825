"""The entry point of the program.

Owns the end of the process: every error becomes one sentence, a hint and an exit code here.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

from tuishare.cli.exit_codes import Exit, report
from tuishare.errors import TuishareError, from_os_error

if TYPE_CHECKING:
    from tuishare.cli.manual.command_tree import DeclaredCommand

_STDOUT = 1
"""The file descriptor of stdout, independent of `sys.stdout`."""


def main() -> None:
    """Run the command line and exit; every error becomes one sentence, a hint and its code."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Characters that the encoding of the locale lacks are escaped.
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
            # The reader of our output has closed it, so no message is needed.
            sys.exit(Exit.FAILED)
        sys.exit(report(from_os_error(error, "go on")))


def _flush() -> None:
    if sys.stdout:
        sys.stdout.flush()


def _end(code: Exit) -> NoReturn:
    """Exit after an error; ignore a second one from writing the results."""
    try:
        _flush()
    except OSError:
        _drop_unwritten()
    sys.exit(code)


def _drop_unwritten() -> None:
    """Discard unwritten output, which would fail again when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)


def _run(arguments: Sequence[str]) -> None:
    if arguments == ["agent"]:
        # As systemd and the dashboard start it. The command-line parser would take 10 MiB of memory.
        gc.disable()  # the import leaves no garbage, and looking for it takes a seventh of its time
        from tuishare.cli.run_agent import run_foreground

        gc.freeze()  # what was imported stays, and is never looked through again
        gc.enable()
        run_foreground(verbose=False)
    elif not arguments:
        # The command-line parser would take 0.1 s before the dashboard is drawn.
        from tuishare.cli.dashboard import run_dashboard

        run_dashboard()
    elif len(arguments) == 2 and arguments[0] == "--complete":
        # As the scripts in the room completion call it, at a press of the tab key.
        from tuishare.cli.app import app
        from tuishare.cli.completion.candidates import complete
        from tuishare.cli.manual.command_tree import read_commands

        for line in complete(read_commands(app, "tuishare"), arguments[1]):
            print(line)
    else:
        _run_command(arguments)


def _run_command(arguments: Sequence[str]) -> None:
    """Run a command; what the parser refuses becomes an error like all others."""
    from typer import Abort, BadParameter

    from tuishare.cli.app import app
    from tuishare.cli.manual.command_tree import read_commands
    from tuishare.cli.manual.help_pages import HELP_OPTIONS, find_command, format_help
    from tuishare.cli.usage import check_options, explain_usage

    usage_error: type[Exception] = BadParameter.__bases__[0]  # typer exports this one alone of the family
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    command = find_command(read_commands(app, "tuishare"), words)
    if not HELP_OPTIONS.isdisjoint(words) or _is_bare_group(command, words):
        print(format_help(command, shutil.get_terminal_size().columns))
        return
    check_options(command, words)
    try:
        code = app(standalone_mode=False)
    except usage_error as error:
        raise explain_usage(error.format_message(), command) from error  # type: ignore[attr-defined]
    except Abort:  # the end of the input instead of an answer
        sys.exit(Exit.FAILED)
    if isinstance(code, int) and code:
        sys.exit(code)


def _is_bare_group(command: DeclaredCommand, words: Sequence[str]) -> bool:
    """Whether only a group was named that does nothing by itself."""
    does_something = command.callback is not None or command.default_command
    return bool(command.commands) and not does_something and list(words) == list(command.words[1:])
