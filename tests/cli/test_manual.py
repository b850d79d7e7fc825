"""Man pages and topics say what the commands are now."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.homes import Person
from tuishare.cli.app import app
from tuishare.cli.exit_codes import Exit
from tuishare.cli.manual import topics
from tuishare.cli.manual.command_tree import DeclaredCommand, read_commands
from tuishare.cli.manual.man_pages import write_man_pages
from tuishare.cli.manual.topics import TOPICS, read_topic

PROGRAM = read_commands(app, "tuishare")
COMMANDS = list(PROGRAM.walk())
PAGES = write_man_pages(PROGRAM)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command.words))
def test_what_is_read_is_what_typer_makes_of_it(alice: Person, command: DeclaredCommand) -> None:
    said = alice.call(*command.words[1:], "--help", COLUMNS="300").out
    shown = re.findall(r"^[^\w-]+(--[a-z-]+)", said, re.MULTILINE)
    assert sorted(shown) == sorted(["--help", *(option.names[0] for option in command.options)])
    for each in command.commands.values():
        assert f" {each.words[-1]} " in said
    assert command.summary


def test_every_command_and_option_has_its_place() -> None:
    assert set(PAGES) == {"tuishare.1", "tuishare.7", *(f"tuishare-{name}.1" for name in PROGRAM.commands)}
    for name, command in PROGRAM.commands.items():
        page = PAGES[f"tuishare-{name}.1"].replace(r"\-", "-")
        for each in command.walk():
            assert all(option in page for parameter in each.parameters for option in parameter.names)
        assert f"tuishare-{name}" in PAGES["tuishare.1"].replace(r"\-", "-")


def test_pages_are_clean(tmp_path: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    for name, page in PAGES.items():
        (tmp_path / name).write_text(page)
    checked = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", *sorted(PAGES)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert checked.stderr == ""


def test_nothing_in_a_text_is_taken_for_a_request_of_roff() -> None:
    hostile = DeclaredCommand(("tuishare",), ".so /etc/passwd\n\n'br \\fB ~ ^ `code`", None, {}, "")
    (page, _) = write_man_pages(hostile).values()
    assert r"\&.so /etc/passwd" in page
    assert r"\(aqbr \efB \(ti \(ha \fBcode\fR" in page


def test_topics_are_short_and_true() -> None:
    folder = Path(topics.__file__).with_name("topics")
    assert {path.stem for path in folder.iterdir()} == set(TOPICS)
    known = {command.words: command for command in COMMANDS}
    for topic in TOPICS:
        text = read_topic(topic)
        assert text.startswith("# ")
        assert len(text.splitlines()) < 45
        assert all(len(line) <= 80 or line.startswith("    ") for line in text.splitlines())
        for line in re.findall(r"^    (tuishare .*)$|`(tuishare [^`]*)`", text, re.MULTILINE):
            words = " ".join("".join(line).split()).split(" ")
            command = next(known[tuple(words[:n])] for n in (3, 2) if tuple(words[:n]) in known)
            options = {name for option in command.options for name in option.names}
            default = command.commands.get(command.default_command)
            options |= {name for option in default.options for name in option.names} if default else set()
            assert {word for word in words if word.startswith("-")} <= options, line


def test_the_exit_codes_are_those_of_the_program() -> None:
    assert {int(code) for code in re.findall(r"^- (\d+): ", read_topic("exit-codes"), re.MULTILINE)} == set(
        Exit
    )


def test_topics_are_listed_and_printed(alice: Person) -> None:
    assert [line.split()[0] for line in alice.call("help").out.splitlines()] == list(TOPICS)
    assert alice.call("help", "people").out.startswith("Users, cards and verification\n\nEach identity")
    assert alice.call("help", "nonsense").failed(
        4, "There is no topic of that name; topics are start, sharing"
    )
