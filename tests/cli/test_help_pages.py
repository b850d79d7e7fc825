from __future__ import annotations

import re
import shlex

import pytest

from tuishare.cli.app import app
from tuishare.cli.manual.command_tree import DeclaredCommand, read_commands
from tuishare.cli.manual.examples import CHAPTERS, EXAMPLES
from tuishare.cli.manual.help_pages import find_command, format_help

PROGRAM = read_commands(app, "tuishare")
COMMANDS = list(PROGRAM.walk())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command.words))
@pytest.mark.parametrize("width", [60, 80, 200])
def test_help_is_plain_and_fits(command: DeclaredCommand, width: int) -> None:
    text = format_help(command, width)
    lines = text.partition("Examples:")[0].splitlines()[1:]
    assert max(map(len, lines)) <= width
    assert not re.search(r"<(?!tab)\w", text)
    assert "Examples:\n  tuishare" in text


def test_every_command_has_an_example_and_a_chapter() -> None:
    alone = {" ".join(each.words[1:]) for each in COMMANDS if not each.commands or each.callback}
    assert alone == EXAMPLES.keys()
    assert sorted(name for _, names in CHAPTERS for name in names) == sorted(PROGRAM.commands)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_examples_name_commands_and_options_that_exist(line: str) -> None:
    first, *words = shlex.split(line, comments=False)
    assert first == "tuishare"
    command = find_command(PROGRAM, words)
    if command.default_command:
        command = command.commands[command.default_command]
    known = {name for option in command.options for name in option.names}
    assert {word for word in words if word.startswith("-")} <= known
