"""What can stand at the end of a command line.

Owns the reading of an unfinished line, and the answer's form: a value, a tab, what it is; one in each line.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from tuishare.cli.completion.known_values import Values, known_values
from tuishare.cli.manual.command_tree import DeclaredCommand, DeclaredParameter

_LINE: Final = 64 * 1024


def complete(program: DeclaredCommand, line: str) -> Iterator[str]:
    """Yield what can stand at the end of a line.

    Args:
        program: all commands.
        line: everything from the name of the program to the cursor, as it was typed.
    """
    words = _split(line[:_LINE])
    if len(words) < 2:
        return
    *done, typed = words[1:]
    for value, meaning in _candidates(program, done, typed):
        if value.startswith(typed):
            yield f"{value}\t{meaning}"


def _split(line: str) -> list[str]:
    """Return the words of a line as the shell will read them, the last one unfinished or empty."""
    for end in ("", "'", '"'):
        try:
            words = shlex.split(line + end)
        except ValueError:
            continue
        return words if end or not line[-1:].isspace() or line.endswith("\\ ") else [*words, ""]
    return shlex.split(line.rstrip("\\")) if line.endswith("\\") else []


def _candidates(program: DeclaredCommand, done: Sequence[str], typed: str) -> Values:
    command, positions, waiting = _follow(program, done)
    if waiting is not None:
        yield from _values_of(waiting, typed)
    elif typed.startswith("-") and "--" not in done:
        for option in command.options:
            yield from (
                (name, option.help) for name in option.names if name.startswith("--") or name == typed
            )
        yield "--help", "Show the help and exit."
    else:
        if not positions:
            yield from ((name, each.summary) for name, each in command.commands.items())
        arguments = command.arguments
        if arguments and (positions < len(arguments) or arguments[-1].repeats):
            yield from _values_of(arguments[min(positions, len(arguments) - 1)], typed)


def _follow(
    program: DeclaredCommand, done: Sequence[str]
) -> tuple[DeclaredCommand, int, DeclaredParameter | None]:
    """Return the command, how many arguments it has, and the option that waits for its value."""
    command, positions, waiting = program, 0, None
    for word in done:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word != "-":
            named = [option for option in command.options if word in option.names and option.metavar]
            waiting = named[0] if named else None
        elif not positions and word in command.commands:
            command = command.commands[word]
        else:
            command = command.commands.get(command.default_command, command)
            positions += 1
    return command, positions, waiting


def _values_of(parameter: DeclaredParameter, typed: str) -> Values:
    yield from ((choice, "") for choice in parameter.choices)
    yield from known_values(parameter.metavar, typed)
