"""Completion: what can stand where the cursor is, and the shells that ask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.api.samples import PEOPLE, STATUS
from tests.cli.homes import Person
from tests.cli.served import Served, download, served, share
from tests.cli.shells import SETUPS, interactive
from tuishare.api.messages import Folder, FolderState
from tuishare.cli.app import app
from tuishare.cli.completion.known_values import METAVARS
from tuishare.cli.completion.scripts import read_script
from tuishare.cli.manual.command_tree import read_commands

FREE_TEXT = {
    "", "TEXT", "HEX", "FILE", "PATH", "NUMBER", "SECONDS", "WHEN", "PATTERN", "NAME", "[NAME]", "KEY", "VALUE",
    "HOST:PORT", "[ADDRESS]:PORT", "[CARD|FILE|-]", "CARD|FILE|-", "STRING|FILE|-", "[FINGERPRINT]...",
}  # fmt: skip
"""Metavars for which a person types something new, or the path of a file."""


async def values(shell: Served, line: str) -> list[str]:
    said = await shell.call("--complete", line)
    assert (said.code, said.err) == (0, "")
    return [value.partition("\t")[0] for value in said.out.splitlines()]


def test_each_parameter_says_what_can_stand_there() -> None:
    for command in read_commands(app, "tuishare").walk():
        for parameter in command.parameters:
            known = parameter.choices or parameter.metavar in METAVARS | FREE_TEXT
            assert known, (command.words, parameter)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tuishare us", ["user"]),
        ("tuishare user ver", ["verify"]),
        ("tuishare user  'ver", ["verify"]),
        ("tuishare", []),
        ("tuishare nothing ", []),
        ("tuishare share x --tra", ["--transport"]),
        ("tuishare share x --transport ", ["tls", "plain"]),
        ("tuishare share x --transport plain --no", ["--note"]),
        ("tuishare list s", ["shares"]),
        ("tuishare list --sort del", ["delivered"]),
        ("tuishare invite l", ["list"]),
        ("tuishare invite eve --ex", ["--expires"]),
        ("tuishare help exit", ["exit-codes"]),
        ('tuishare completion "f', ["fish"]),
        ("tuishare show ", []),
        ("tuishare show \\", []),
        ("tuishare share x -- --tra", []),
    ],
)
def test_words_are_completed_without_an_agent(alice: Person, line: str, expected: list[str]) -> None:
    said = alice.call("--complete", line)
    assert (said.code, said.err) == (0, "")
    assert [value.partition("\t")[0] for value in said.out.splitlines()] == expected


async def test_what_the_agent_knows_is_completed(alice: Person) -> None:
    film, contract = share("1f" * 16, "film of the sea.mov"), download("2a" * 16)
    async with served(alice, film, contract, download("3b" * 16, "3\x1b[31m\n$(id)")) as shell:
        folder = Folder(path="/srv/film", state=FolderState.WATCHING, users=("@crew",), waiting=0)
        shell.agent.show(
            msgspec.structs.replace(
                shell.agent.now, status=msgspec.structs.replace(STATUS, drop_folders=(folder,)), people=PEOPLE
            )
        )
        assert await values(shell, "tuishare show ") == ["1f1f1f1f", "2a2a2a2a", "3b3b3b3b"]
        assert await values(shell, "tuishare pause 1f1f1f1f 2") == ["2a2a2a2a"]
        assert await values(shell, "tuishare show film\\ of") == [film.name]
        assert await values(shell, 'tuishare show "film of ') == [film.name]
        assert await values(shell, "tuishare doctor --share c") == [contract.name]
        assert await values(shell, "tuishare user verify ") == ["bob"]
        assert await values(shell, "tuishare share x --to ") == ["bob", "@crew"]
        assert await values(shell, "tuishare drop add x --to bob --to @") == ["@crew"]
        assert await values(shell, "tuishare user group bob -a ") == ["crew"]
        assert await values(shell, "tuishare revoke film b") == ["bob"]
        assert await values(shell, "tuishare invite cancel ") == ["abababab"]
        assert await values(shell, "tuishare drop remove ") == ["/srv/film"]
        said = await shell.call("--complete", "tuishare show 3")
        assert said.out == "3b3b3b3b\t3�[31m�$(id)\n"  # one line, and that name is no value (T14)


def test_nothing_slow_is_loaded() -> None:
    code = (
        "import sys; from tuishare.cli.main import main; sys.argv[1:] = ['--complete', 'tuishare show ']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'aiohttp', 'asyncio', 'rich', 'textual', 'cryptography', 'ssl', 'http'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


@pytest.mark.timeout(300)  # a shell starts a Python at each press of the tab key
@pytest.mark.parametrize("name", sorted(SETUPS))
async def test_a_shell_completes_and_runs_nothing(alice: Person, tmp_path: Path, name: str) -> None:
    script = tmp_path / name
    script.write_text(alice.call("completion", name).out)
    hostile = share("cc" * 16, "it's $(touch ran);`touch ran`")
    async with served(alice, share("1f" * 16), share("2a" * 16, "a film"), hostile):
        with interactive(name, alice, script) as shell:
            await shell.run("tuishare ready", ["ready"])
            await shell.run("tuishare user ver\tb\t", ["user", "verify", "bob"])
            await shell.run(
                "tuishare share x --to @c\t --to b\t", ["share", "x", "--to", "@crew", "--to", "bob"]
            )
            await shell.run("tuishare pause 1f\ta\\ \t", ["pause", "1f1f1f1f", "a film"])
            await shell.run("tuishare pause it\t", ["pause", hostile.name])
            await shell.run("tuishare pause \t\t\x15tuishare list", ["list"])  # all of them are shown
    assert not (alice.desk / "ran").exists()


def test_the_scripts_are_printed(alice: Person) -> None:
    for shell in SETUPS:
        assert alice.call("completion", shell).out == read_script(shell)
