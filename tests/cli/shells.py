"""Shells that a test types into, as a person does: on a terminal of their own."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.cli.homes import Person
from tests.waiting import wait_until

STARTS: Final = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
SETUPS: Final = {
    "bash": 'PS1="> "; bind "set bell-style none"; . {script}',
    "zsh": 'PS1="> "; unsetopt prompt_sp zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; . {script}',
    "fish": "source {script}",
}

_COMMAND: Final = """#!/bin/sh
[ "$1" = --complete ] && exec {python} -m tuishare "$@"
printf '<%s>' "$@" >> {log}
"""
"""Completes as ``tuishare`` does; otherwise it only writes down how it was called."""


class Shell:
    """A shell on a terminal."""

    def __init__(self, terminal: int, log: Path) -> None:
        self._terminal = terminal
        self._log = log
        self._shown = ""

    async def run(self, typed: str, words: list[str]) -> None:
        """Type a line, with a tab where completion is asked for; wait until ``tuishare`` is called with these words."""
        self._log.unlink(missing_ok=True)
        os.write(self._terminal, f"{typed}\r".encode())
        called = "".join(f"<{word}>" for word in words)
        try:
            await wait_until(lambda: self._called() == called, seconds=90)
        except TimeoutError:
            pytest.fail(f"{called} is not {self._called()}: {self._shown}")

    def _called(self) -> str:
        # What is not read stops the shell in the end.
        with contextlib.suppress(BlockingIOError):
            self._shown += os.read(self._terminal, 65_536).decode(errors="replace")
        return self._log.read_text() if self._log.exists() else ""


@contextmanager
def interactive(name: str, person: Person, script: Path) -> Iterator[Shell]:
    """Start a shell that has a command ``tuishare`` and its completion."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    folder = person.desk / "bin"
    folder.mkdir()
    command = folder / "tuishare"
    command.write_text(_COMMAND.format(python=sys.executable, log=person.desk / "log"))
    command.chmod(0o755)
    environment = person.environment | {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(person.desk),
        "TERM": "dumb",
        "COLUMNS": "500",
    }
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(person.desk)
        os.execvpe(name, STARTS[name], environment)
    os.set_blocking(terminal, False)
    try:
        os.write(terminal, f"{SETUPS[name].format(script=script)}\r".encode())
        yield Shell(terminal, person.desk / "log")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)
