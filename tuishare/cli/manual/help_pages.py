"""The help of a command, as ``--help`` prints it.

Owns its form: plain text, in the words of the declarations, with examples. Text in, text out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tuishare.cli.manual.command_tree import DeclaredCommand, DeclaredParameter
from tuishare.cli.manual.examples import CHAPTERS, EXAMPLES

HELP_OPTIONS: Final = frozenset({"-h", "--help"})
_HELP: Final = DeclaredParameter(
    ("--help", "-h"), "", "Show this message and exit.", (), repeats=False, default=""
)
_LEFT: Final = 28
"""Columns of the names; a longer one has a line for itself."""
_WIDEST: Final = 100
_MOST_OF_GROUP: Final = 4
"""Examples of a group of commands."""


def find_command(program: DeclaredCommand, words: Sequence[str]) -> DeclaredCommand:
    """Return the command or group that these words, up to an option, begin with."""
    found = program
    for word in words:
        if word not in found.commands:
            break
        found = found.commands[word]
    return found


def format_help(command: DeclaredCommand, width: int) -> str:
    """Return the help of a command for that many columns."""
    width = max(40, min(width, _WIDEST))
    lines = [f"Usage: {_synopsis(command)}", ""]
    for paragraph in command.description.split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), width), ""]
    if command.arguments:
        rows = [(each.metavar, _explain(each)) for each in command.arguments]
        lines += ["Arguments:", *_table(rows, width), ""]
    if command.commands:
        lines += _commands(command, width)
    rows = [(f"{', '.join(each.names)} {each.metavar}".rstrip(), _explain(each)) for each in command.options]
    lines += ["Options:", *_table([*rows, (", ".join(_HELP.names), _HELP.help)], width)]
    lines += ["", "Examples:", *(f"  {line}" for line in _examples(command))]
    return "\n".join(lines)


def _synopsis(command: DeclaredCommand) -> str:
    parts = [*command.words, "[OPTIONS]", *(each.metavar for each in command.arguments)]
    return " ".join([*parts, "COMMAND ..."] if command.commands else parts)


def _explain(parameter: DeclaredParameter) -> str:
    default = f" Default: {parameter.default}." if parameter.default else ""
    return f"{parameter.help}{default}"


def _commands(command: DeclaredCommand, width: int) -> Iterator[str]:
    if len(command.words) > 1:
        yield from ("Commands:", *_table(_summaries(command, command.commands), width), "")
        return
    for title, names in CHAPTERS:
        yield from (f"{title}:", *_table(_summaries(command, names), width), "")


def _summaries(command: DeclaredCommand, names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, f"{command.commands[name].summary}.") for name in names]


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    for name, text in rows:
        wrapped = textwrap.wrap(text, width - _LEFT - 2) or [""]
        if len(name) < _LEFT:
            yield f"  {name:{_LEFT}}{wrapped.pop(0)}".rstrip()
        else:
            yield f"  {name}"
        yield from (f"  {'':{_LEFT}}{line}" for line in wrapped)


def _examples(command: DeclaredCommand) -> tuple[str, ...]:
    name = " ".join(command.words[1:])
    if name in EXAMPLES:
        return EXAMPLES[name]
    return tuple(line for each in command.commands.values() for line in _examples(each)[:1])[:_MOST_OF_GROUP]
