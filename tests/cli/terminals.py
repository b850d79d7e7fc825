"""A terminal that a test can type into and look at."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.homes import Person


class Tmux:
    """A terminal that a test can look at; its server is only for this test."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _tell(self, *words: str, **variables: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words],
            capture_output=True,
            text=True,
            check=False,
            env=variables or None,
        )
        return done.stdout

    def open(self, person: Person, *words: str, **variables: str) -> None:
        """Run a command in it; how that ends can be read from the screen."""
        command = f"{sys.executable} -m tuishare {' '.join(words)}; echo ended with $?; exec sleep 60"
        session = ("new-session", "-d", "-x", "120", "-y", "40", command)
        self._tell(
            *session, **person.environment | variables | {"TERM": "screen-256color", "LC_ALL": "C.UTF-8"}
        )
        self._tell("set-option", "-s", "set-clipboard", "on")

    def press(self, *keys: str) -> None:
        self._tell("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Paste as a terminal does, marked as pasted."""
        self._tell("set-buffer", text)
        self._tell("paste-buffer", "-p")

    def clipboard(self) -> str:
        """Return what the program has copied."""
        return self._tell("show-buffer")

    def screen(self) -> str:
        """Return what it shows."""
        return self._tell("capture-pane", "-p", "-J")

    def shows(self, words: str) -> Callable[[], bool]:
        """Return a look for these words on the screen; 20 a second at most, because each is a process."""
        looked = 0.0

        def look() -> bool:
            nonlocal looked
            if time.monotonic() < looked + 0.05:
                return False
            looked = time.monotonic()
            return words in self.screen()

        return look

    def close(self) -> None:
        self._tell("kill-server")
