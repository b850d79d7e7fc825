from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.homes import Person
from tuishare.api.messages import DownloadAction, ShareAction
from tuishare.cli.exit_codes import Exit

COMMANDS = sorted({"list", "show", "share", "choose", *ShareAction, *DownloadAction})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(alice: Person, command: str) -> None:
    explained = alice.call(command, "--help")
    assert explained.code == 0
    assert "Usage" in explained.out
    assert "--json" in explained.out
    assert explained.err == ""


@pytest.mark.parametrize(
    "words",
    [
        *([command] for command in COMMANDS if command != "list"),
        ["list", "everything"],
        ["list", "shares", "downloads"],
        ["show", "a", "b"],
        ["pause", "a", "--yes"],
        ["share", "a", "--to"],
        ["share", "a", "--to", "bob", "--transport", "pigeon"],
    ],
)
def test_usage_errors(alice: Person, words: list[str]) -> None:
    assert alice.call(*words).failed(Exit.USAGE, "")


@pytest.mark.parametrize(
    "words", [["list"], ["show", "x"], ["share", "x", "--to", "bob"], ["delete", "x", "-y"]]
)
def test_asking_loads_nothing_heavy(alice: Person, words: list[str]) -> None:
    script = (
        "import sys; from tuishare.cli.app import app\n"
        f"try: app({words!r})\n"
        "except BaseException as end: print(type(end).__name__)\n"
        "print(*(name for name in ('textual', 'libtorrent', 'cryptography', 'sqlite3') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=alice.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "AgentNotRunning\n\n"
