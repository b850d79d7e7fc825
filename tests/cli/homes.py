"""People at a shell of their own: real commands, each in a home and a folder of one person."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import tomli_w
import typer.main

from tests.waiting import wait_until
from tuishare.cli import main
from tuishare.core.database import Database
from tuishare.home_paths import Places, find_places
from tuishare.people import User, UserBook, load_or_create_identity, save_book
from tuishare.swarm.ports import free_port


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def failed(self, code: int, sentence: str) -> bool:
        """Whether it failed as promised: that code, one such sentence, a hint, nothing else, no result."""
        lines = self.err.splitlines()
        said = [line for line in lines if line.startswith("tuishare: ") and "warning" not in line]
        hints = [line for line in lines if line.startswith("  hint: ")]
        return (
            self.code == code
            and self.out == ""
            and len(said) == len(hints) == 1
            and lines[-2:] == [said[0], hints[0]]
            and said[0].endswith(".")
            and sentence in said[0]
        )

    @property
    def keys(self) -> dict[str, str]:
        """The keys that `create` printed."""
        return dict(line.split("\t") for line in self.out.splitlines())


@dataclass(frozen=True, slots=True)
class Running:
    """A command that runs; its words go to files."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    async def until_saying(self, words: str) -> str:
        """Wait until it has said that on stderr."""
        await wait_until(lambda: words in self.err.read_text() or self.process.poll() is not None)
        said = self.err.read_text()
        assert words in said, said
        return said

    async def end(self, number: signal.Signals | None = None) -> Result:
        """Wait for its end, after sending a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        await wait_until(lambda: self.process.poll() is not None, seconds=30)
        return Result(self.process.returncode, self.out.read_text(), self.err.read_text())


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a home, a folder to work in, and a port on loopback."""

    name: str
    desk: Path
    places: Places
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The environment of their shell."""
        # An unbuffered Python, for one, would meet errors of its output elsewhere.
        ours = ("TUISHARE", "XDG", "PYTHON")
        passed = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        return passed | {"TUISHARE_HOME": str(self.places.files)}

    def configure(self, **tables: Any) -> None:
        """Write their settings; nothing of a test can be reached from another machine."""
        network = {"listen": f"127.0.0.1:{self.port}", "share_addresses": False} | tables.pop("network", {})
        settings = {
            "name": self.name,
            "network": network,
            "tracker": {"listen": "127.0.0.1:0"},
            "link": {"enabled": False},
            "notifications": {"desktop": False},
        }
        self.places.config_file.write_text(tomli_w.dumps(settings | tables))

    def as_user(self, *, verified: bool = True, groups: tuple[str, ...] = ()) -> User:
        """Return their entry in the user book of others."""
        identity = load_or_create_identity(self.places.identity_file)
        return User(self.name, card=identity.card(self.name), verified=verified, groups=groups)

    def know(self, *users: User) -> None:
        """Write their user book."""
        save_book(self.places.users_file, UserBook(users))

    def fill(self, name: str, size: int = 100_000) -> Path:
        """Write a file of random bytes."""
        path = self.desk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return path

    def run(self, *words: object, stdin: bytes = b"", **variables: str) -> Result:
        """Run a command to its end in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "tuishare", *map(str, words)],
            cwd=self.desk,
            env=self.environment | variables,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_unheard(self, *words: object) -> Result:
        """Run a command whose results meet a full disk."""
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "tuishare", *map(str, words)],
                cwd=self.desk,
                env=self.environment,
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        return Result(done.returncode, "", done.stderr.decode())

    def call(self, *words: object, stdin: bytes = b"", **variables: str) -> Result:
        """Run a command to its end in this process, which is faster; not for one that handles signals."""
        out, err = io.StringIO(), io.StringIO()
        environment = self.environment | variables
        with (
            mock.patch.object(sys, "argv", ["tuishare", *map(str, words)]),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(typer.main, "get_command", _read_commands),
            contextlib.chdir(self.desk),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = _ended()
        return Result(code, out.getvalue(), err.getvalue())

    @contextmanager
    def started(self, *words: object, **variables: str) -> Iterator[Running]:
        """Run a command for as long as the block lasts, at most."""
        number = len(list(self.desk.parent.glob("said-*")))
        out, err = (self.desk.parent / f"said-{number + step}" for step in (0, 1))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tuishare", *map(str, words)],
                cwd=self.desk,
                env=self.environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
            )
        try:
            yield Running(process, out, err)
        finally:
            # Politely: a demo that is killed cannot end its agents.
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


_read_commands = functools.cache(typer.main.get_command)
"""Makes of all commands what reads a command line: half of the time that a command takes, and always the same."""


def _ended() -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def make_person(root: Path, name: str) -> Person:
    """Make a person with an empty user book."""
    places = find_places({"TUISHARE_HOME": str(root / name / "home")})
    places.prepare()
    desk = root / name / "desk"
    desk.mkdir()
    person = Person(name, desk, places, free_port())
    person.configure()
    return person


def left(folder: Path) -> set[str]:
    """The names in a folder."""
    return {path.name for path in folder.iterdir()}


def shares_of(person: Person) -> int:
    database = Database(person.places.store_file)
    try:
        return len(database.shares())
    finally:
        database.close()


def nothing_made(person: Person, *payload: str) -> bool:
    return left(person.desk) == set(payload) and shares_of(person) == 0
